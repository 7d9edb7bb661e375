use super::*;

fn read(text: &str) -> Result<Pipeline, String> {
    let document = Document::parse("site/pipeline.yml", text.as_bytes()).map_err(|error| error.to_string())?;
    Pipeline::of(Arc::new(document))
        .map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n---\n"))
}

/// Stages as their keys in flow style, one after the other.
fn stages(stages: &[(&str, &str)]) -> Result<Pipeline, String> {
    let stages: String = stages.iter().map(|(name, keys)| format!("  {name}: {{ {keys} }}\n")).collect();
    read(&format!("stages:\n{stages}"))
}

const MAKE: (&str, &str) = ("make", "kind: provision, run: [make, up]");
const LOOK: (&str, &str) = ("look", "kind: validate, needs: make, profiles: p");

#[test]
fn stages_need_what_they_name_and_the_last_ones_need_all() {
    let pipeline = stages(&[
        ("down", "kind: teardown, of: make"),
        MAKE,
        LOOK,
        ("tell", "kind: report, reporter: 'junit:out.xml'"),
    ])
    .unwrap();
    let needs = |name: &str| -> Vec<&str> {
        let stage = &pipeline.stages[pipeline.position(name).unwrap()];
        stage.needs.iter().map(|need| &*pipeline.stages[*need].name).collect()
    };
    assert_eq!((needs("make"), needs("look")), (vec![], vec!["make"]));
    assert_eq!(needs("tell"), ["make", "look"]);
    assert_eq!(needs("down"), ["make", "look"]);
    let when = |name: &str| pipeline.stages[pipeline.position(name).unwrap()].when;
    assert_eq!((when("make"), when("tell"), when("down")), (When::OnSuccess, When::Always, When::Always));
    assert_eq!(&*pipeline.name, "site", "the folder's name is the pipeline's");
}

#[test]
fn every_fault_of_the_graph_is_told_before_anything_starts() {
    for (text, message) in [
        (
            &[("a", "kind: wait, needs: b"), ("b", "kind: wait, needs: [c]"), ("c", "kind: wait, needs: a")][..],
            "in a circle: ",
        ),
        (&[("a", "kind: wait, needs: a")], "the stage a needs itself"),
        (&[MAKE, ("look", "kind: validate, needs: maek, profiles: p")], "did you mean make?"),
        (&[MAKE, ("x", "kind: wait, needs: [[make]]")], "needs is a name of a stage"),
        (&[("off", "kind: wait, when: never"), ("b", "kind: wait, needs: off")], "b can never run: it needs off"),
        (&[("a", "kind: wait, when: on_failure")], "a can never run: when: on_failure needs"),
        (&[MAKE, LOOK, ("down", "kind: teardown, of: look")], "only a provision can be torn down"),
        (&[MAKE, ("down", "kind: teardown, of: '{{ vars.x }}'")], "of cannot be a template"),
    ] {
        let error = stages(text).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
        assert!(error.starts_with("site/pipeline.yml:"), "{error}");
    }
}

#[test]
fn every_key_is_known_and_has_its_type() {
    for (text, message) in [
        ("stages: {}", "at least one stage"),
        ("stages: [a]", "at least one stage"),
        ("{}", "the pipeline has no stages"),
        ("[]", "the pipeline is a list, not a map"),
        ("stages: { a: { kind: provison, run: x } }", "did you mean provision?"),
        ("stages: { a: { run: x } }", "stage a has no kind"),
        ("stages: { a/b: { kind: wait } }", "holds a slash"),
        ("stages: { a: { kind: provision, runs: x } }", "did you mean run?"),
        ("stages: { a: { kind: provision } }", "says not how"),
        ("stages: { a: { kind: validate } }", "names no profiles"),
        ("stages: { a: { kind: report } }", "neither reporter nor run"),
        ("stages: { a: { kind: report, reporter: junt } }", "did you mean junit?"),
        ("stages: { a: { kind: wait, timeout: soon } }", "timeout is no length of time"),
        ("stages: { a: { kind: wait, retries: 101 } }", "retries is a number from 0 to 100"),
        ("stages: { a: { kind: wait, quorum: 120% } }", "quorum is no number of nodes"),
        ("stages: { a: { kind: wait, when: mostly } }", "on_success, on_failure, always, never"),
        ("stages: { a: { kind: wait, env: { 'A=B': c } } }", "no name of an environment variable"),
        ("stages: { a: { kind: wait, env: [A] } }", "not a map of names to texts"),
        ("stages: { a: { kind: validate, profiles: p, impact_at_least: 2 } }", "a number from 0 to 1"),
        ("vars: { 1st: a }\nstages: { a: { kind: wait } }", "no name of a variable"),
        ("vars: { a: [] }\nstages: { a: { kind: wait } }", "is a list, not a text"),
        ("reporter: junt:x\nstages: { a: { kind: wait } }", "did you mean junit?"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn a_template_is_read_once_it_is_rendered() {
    let pipeline =
        stages(&[MAKE, ("look", "kind: wait, needs: make, retries: '{{ vars.n }}', timeout: '{{ vars.t }}'")]).unwrap();
    assert_eq!(pipeline.templates(1).len(), 2);
    let mut render = |text: &str, _: &Place, _: Use| Ok(if text.contains("vars.n") { "3" } else { "5s" }.to_string());
    let stage = pipeline.stage(1, &mut render).unwrap();
    assert_eq!((stage.retries, stage.timeout), (3, Duration::from_secs(5)));
    let errors = pipeline.stage(1, &mut |_, _, _| Ok("many".to_string())).unwrap_err();
    let text = errors.iter().map(Error::to_string).collect::<String>();
    assert!(text.contains("retries is a number") && text.contains("pipeline.yml:3:"), "{text}");
    let errors = pipeline.stage(1, &mut |_, place, _| Err(Error::usage("undefined").at(place.clone()))).unwrap_err();
    assert_eq!(errors.len(), 2, "each template is told");
}

#[test]
fn variables_come_from_the_command_line_then_the_environment_then_the_file() {
    let pipeline = read(
        "vars:\n  region: eu\n  size: { default: 3, env: SIZE }\n  token: { sensitive: true }\n\
         stages: { a: { kind: wait } }",
    )
    .unwrap();
    let given = |arguments: &[&str], environment: &[(&str, &str)]| {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_string()).collect();
        let of = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
        Given::read(&pipeline.variables, &arguments, &of)
            .map_err(|errors| errors.iter().map(Error::to_string).collect::<Vec<_>>().join("\n"))
    };
    let token = ("PROBITY_VAR_TOKEN", "hunter2");
    let all = given(&[], &[token]).unwrap();
    assert_eq!((&*all.values["region"], &*all.values["size"]), ("eu", "3"));
    assert_eq!((&*all.values["token"], all.secrets), ("hunter2", vec!["hunter2".to_string()]));
    let all = given(&["region=us"], &[token, ("PROBITY_VAR_REGION", "asia"), ("SIZE", "9")]).unwrap();
    assert_eq!((&*all.values["region"], &*all.values["size"]), ("us", "9"));
    for (arguments, environment, message) in [
        (&["regio=us"][..], &[token][..], "did you mean region?"),
        (&["region"], &[token], "write --var NAME=VALUE"),
        (&[], &[], "the variable token has no value"),
        (&["token=hunter2"], &[], "the command line is for everybody to see"),
        (&["token=@/no/such/file"], &[], "cannot be read"),
    ] {
        let error = given(arguments, environment).unwrap_err();
        assert!(error.contains(message) && !error.contains("hunter2"), "{message}: {error}");
    }
    let error =
        read("vars: { token: { sensitive: true, default: hunter2 } }\nstages: { a: { kind: wait } }").unwrap_err();
    assert!(error.contains("is written out") && !error.contains("hunter2"), "{error}");
}

#[test]
fn hostile_files_are_refused_and_named() {
    for text in ["stages: &a { a: *a }", "stages: {a: {kind: wait", "\u{0}", "- - - -", "stages: 5", "&a [*a, *a]"] {
        let error = read(text).unwrap_err();
        assert!(error.contains("site/pipeline.yml"), "{text}: {error}");
    }
    let deep = format!("stages: {}1{}", "[".repeat(100), "]".repeat(100));
    assert!(read(&deep).unwrap_err().contains("site/pipeline.yml"));
}

#[test]
fn the_graph_is_drawn() {
    let pipeline = stages(&[MAKE, LOOK, ("down", "kind: teardown, of: make, when: on_failure")]).unwrap();
    let graph = Graph::new(&pipeline);
    assert_eq!(
        graph.text(&pipeline),
        "pipeline site\n 1. make  provision\n 2. look  validate   needs make\n 3. down  teardown   needs make, look  (on_failure)\n"
    );
    let mermaid = graph.mermaid(&pipeline);
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(mermaid.contains("s0 --> s1") && mermaid.contains("s1 -. on_failure .-> s2"), "{mermaid}");
}
