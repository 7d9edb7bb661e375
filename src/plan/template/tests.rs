use super::*;
use crate::yaml::Document;

fn variables() -> Variables {
    let document = Document::parse(
        "variables.yml",
        b"node: {name: web1, groups: [all, web], attributes: {port: 80}}\n\
          hostile: \"a\\\"b: c\\n- d # e\"\n\
          number: 4\nfraction: 3.0\nnothing: ~\nyes_no: true\nempty: ''\n\
          list: [a, 'b: c']\nmap: {k: \"it's\"}\n",
    )
    .unwrap();
    let map = document.root.as_map().unwrap();
    map.iter().map(|(name, field)| (name.clone(), field.value.to_value())).collect()
}

fn file(text: &str) -> Template {
    Template::of_file(Path::new("site.yml.j2"), text.as_bytes()).unwrap()
}

fn render_as(encoding: Encoding, text: &str) -> Result<String, Error> {
    Renderer::new(encoding).render(&file(text), &variables()).map(|rendered| rendered.text)
}

fn yaml(text: &str) -> String {
    render_as(Encoding::Yaml, text).unwrap()
}

fn fault(text: &str) -> String {
    render_as(Encoding::Yaml, text).unwrap_err().to_string()
}

#[test]
fn what_an_expression_yields_is_one_value_of_yaml() {
    assert_eq!(yaml("x: {{ hostile }}"), r#"x: "a\"b: c\n- d # e""#);
    assert_eq!(yaml("{{ number }} {{ fraction }} {{ nothing }} {{ yes_no }} {{ empty }}"), r#"4 3.0 null true """#);
    assert_eq!(yaml("{{ list }} {{ map }} {{ list | tojson }}"), r#"["a", "b: c"] {"k": "it's"} ["a", "b: c"]"#);
    assert_eq!(yaml("{{ 'a' ~ number }} {{ hostile | upper }}"), r#""a4" "A\"B: C\n- D # E""#);
    assert_eq!(yaml("x: {{ node.name | raw }}-{{ number | raw }}"), "x: web1-4");
    assert_eq!(yaml(r#"{{ "\u0007\u007f\u2028\ufeff" }}"#), r#""\u0007\u007f\u2028\ufeff""#);
}

#[test]
fn what_a_macro_writes_is_not_encoded_twice() {
    let text = "{% macro item(x) %}- {{ x }}\n{% endmacro %}{% for x in list %}{{ item(x) }}{% endfor %}";
    assert_eq!(yaml(text), "- \"a\"\n- \"b: c\"\n");
}

#[test]
fn text_of_a_command_line_is_left_alone_or_quoted_for_a_shell() {
    assert_eq!(render_as(Encoding::Raw, "{{ hostile }}|{{ number }}").unwrap(), "a\"b: c\n- d # e|4");
    assert_eq!(render_as(Encoding::Raw, "{{ list }}").unwrap(), r#"["a", "b: c"]"#);
    assert_eq!(
        render_as(Encoding::Shell, "echo {{ map.k }} {{ node.name }} {{ empty }}").unwrap(),
        r"echo 'it'\''s' web1 ''"
    );
    assert_eq!(render_as(Encoding::Shell, "rm {{ list }}").unwrap(), "rm a 'b: c'");
    assert_eq!(render_as(Encoding::Shell, "x {{ hostile | raw }}").unwrap(), "x a\"b: c\n- d # e");
    assert!(render_as(Encoding::Shell, "x {{ \"\\u0000\" }}").is_err());
}

#[test]
fn what_is_undefined_is_an_error_with_its_place() {
    assert_eq!(
        fault("a: 1\nb:   {{ node.atributes.port }}\n"),
        "site.yml.j2:2:14: node.atributes is undefined\n    2 | b:   {{ node.atributes.port }}\n      |              ^\n  hint: did you mean attributes?"
    );
    assert!(
        fault("x: {{ nmber + 1 }}").contains("site.yml.j2:1:7: nmber is undefined"),
        "{}",
        fault("x: {{ nmber + 1 }}")
    );
    assert!(fault("x: {{ nmber }}").ends_with("did you mean number?"));
    assert!(fault("{% if node.attributes.porrt %}{% endif %}").contains("did you mean port?"));
    assert!(fault("x: {{ vars.region }}").ends_with("vars are those of a pipeline, and this is none"));
    assert!(fault("x: {{ [node.nam] }}").contains("undefined"), "{}", fault("x: {{ [node.nam] }}"));
    assert_eq!(yaml("{{ node.nam | default('x') }} {{ 1 if node.nam is defined else 2 }}"), "\"x\" 2");
}

#[test]
fn an_error_inside_a_document_has_the_place_of_its_value() {
    let template = Template::at(&Place::at("pipeline.yml", 7, 12), "terraform apply {{ vars.regoin }}");
    let variables = Variables::from([("vars".to_string(), Value::Map([("region".to_string(), "x".into())].into()))]);
    let error = Renderer::new(Encoding::Raw).render(&template, &variables).unwrap_err();
    assert_eq!(
        error.to_string(),
        "pipeline.yml:7:12: vars.regoin is undefined, in vars.regoin\n  hint: did you mean region?"
    );
}

#[test]
fn what_is_no_template_says_where() {
    assert!(
        fault("a: 1\n{% if x %}\nb: 2\n").starts_with("site.yml.j2:2:11: is no template: unexpected end of input"),
        "{}",
        fault("a: 1\n{% if x %}\nb: 2\n")
    );
    assert!(fault("a: {{ number").contains("is no template"), "{}", fault("a: {{ number"));
    assert!(fault("a: {{ list | jion }}").ends_with("did you mean join?"), "{}", fault("a: {{ list | jion }}"));
    assert!(fault("a: {{ number is od }}").contains("there is no test od"), "{}", fault("a: {{ number is od }}"));
    assert!(fault("a: {{ bagg('a', 'b') }}").contains("bagg"), "{}", fault("a: {{ bagg('a', 'b') }}"));
    assert!(fault("a: {{ hostile | safe }}").contains("`| raw`"));
    assert!(
        fault("a\n{% include 'x' %}").starts_with("site.yml.j2:2:4: is no template: unknown statement include"),
        "{}",
        fault("a\n{% include 'x' %}")
    );
    assert!(fault("{{ list | raw }}").contains("raw takes text"), "{}", fault("{{ list | raw }}"));
    assert!(fault("{{ range }}").contains("no value"), "{}", fault("{{ range }}"));
    assert!(fault("a \u{fdd0}").starts_with("site.yml.j2:1:3: holds a character that is reserved"));
    assert!(
        Template::of_file(Path::new("x.j2"), b"a\nb\xff").unwrap_err().to_string().starts_with("x.j2:2:2: byte 0xff")
    );
    assert!(Template::of_file(Path::new("x.j2"), &vec![b'a'; 2 << 20]).is_err());
}

#[test]
fn a_hostile_template_comes_to_an_end() {
    for text in [
        "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for a in range(99999) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
        "{{ 'x' * 999999999 }}",
        "{{ range(99999) | map('string') | join(',' * 99999) }}",
        "{{ '%999999999d' | format(1) }}",
        "{% for a in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
    ] {
        let began = std::time::Instant::now();
        let fault = fault(text);
        assert!(fault.starts_with("site.yml.j2:1:"), "{text}: {fault}");
        assert!(began.elapsed().as_secs() < 20, "{text} took {:?}", began.elapsed());
    }
    for depth in [200, 20_000] {
        let nested = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(render_as(Encoding::Yaml, &format!("{{{{ {nested} }}}}")).is_err());
        assert!(render_as(Encoding::Yaml, &"{% if 1 %}".repeat(depth)).is_err());
    }
}

#[test]
fn the_names_that_are_offered_are_there() {
    for name in fault::FILTERS {
        let fault = render_as(Encoding::Raw, &format!("{{{{ 1 | {name} }}}}")).unwrap_or_else(|e| e.to_string());
        assert!(!fault.contains("there is no filter"), "{fault}");
    }
    for name in fault::TESTS {
        let fault = render_as(Encoding::Raw, &format!("{{{{ 1 is {name} }}}}")).unwrap_or_else(|e| e.to_string());
        assert!(!fault.contains("there is no test"), "{fault}");
    }
}

#[test]
fn a_place_in_what_was_rendered_leads_back_to_the_template() {
    let template = file("{% for x in list %}\n- {{ x | raw }}: 1\n{% endfor %}\nend: {{ number }}\n");
    let rendered = Renderer::new(Encoding::Yaml).render(&template, &variables()).unwrap();
    assert_eq!(rendered.text, "\n- a: 1\n\n- b: c: 1\n\nend: 4");
    let values: Vec<&str> = rendered.values.iter().map(|range| &rendered.text[range.clone()]).collect();
    assert!(values.is_empty(), "a number cannot break out: {values:?}");
    let place = |line, column| rendered.spans.place(line, column).to_string();
    assert_eq!(place(2, 1), "site.yml.j2:2:1");
    assert_eq!(place(2, 3), "site.yml.j2:2:6");
    assert_eq!(place(4, 7), "site.yml.j2:2:16");
    assert_eq!(place(6, 2), "site.yml.j2:4:2");
    assert_eq!(place(6, 6), "site.yml.j2:4:9");
}

#[test]
fn what_could_break_out_is_known_wherever_it_was_written() {
    let text =
        "{% macro item(x) %}{{ x }}: 1{% endmacro %}a: {{ node.name }}\n{{ item(list[1]) }}\nb: {{ list }}\nc: x\n";
    let rendered = Renderer::new(Encoding::Yaml).render(&file(text), &variables()).unwrap();
    assert_eq!(rendered.text, "a: \"web1\"\n\"b: c\": 1\nb: [\"a\", \"b: c\"]\nc: x");
    let values: Vec<&str> = rendered.values.iter().map(|range| &rendered.text[range.clone()]).collect();
    assert_eq!(values, ["\"web1\"", "\"b: c\"", "[\"a\", \"b: c\"]"]);
    let places: Vec<String> =
        rendered.values.iter().map(|range| rendered.spans.place_of_byte(range.start).to_string()).collect();
    assert_eq!(places, ["site.yml.j2:1:50", "site.yml.j2:2:4", "site.yml.j2:3:7"]);
    assert_eq!(rendered.spans.place(4, 4).to_string(), "site.yml.j2:4:4");
}

#[test]
fn the_variables_a_template_uses_are_known_before() {
    let names = file("{% if x %}{{ facts.family }}{% set y = 1 %}{{ y }}{% endif %}").variables();
    assert!(names.contains("facts") && names.contains("x") && !names.contains("y"), "{names:?}");
    assert!(file("{{ node.facts }}").variables().contains("node"));
    assert!(!file("{{ node.facts }} facts {# {{ facts }} #}").variables().contains("facts"));
}

fn secret_bags(folder: &Path) -> Arc<crate::plan::bags::Bags> {
    use crate::plan::bags::{Bags, KeySource, Keys};
    use age::secrecy::ExposeSecret;
    let identity = age::x25519::Identity::generate();
    std::fs::create_dir_all(folder.join("db")).unwrap();
    std::fs::write(folder.join("db/main.yml"), "host: db1\n").unwrap();
    let content = age::encrypt(&identity.to_public(), b"password: hunter2hunter2\nport: '5432'\n").unwrap();
    std::fs::write(folder.join("db/secret.yml.age"), content).unwrap();
    let text = identity.to_string().expose_secret().to_string();
    let keys = Keys::read(&[KeySource::Variable("KEY".into())], None, &|_| Some(text.clone().into())).unwrap();
    Arc::new(Bags::new(Some(folder.to_path_buf()), keys))
}

#[test]
fn what_comes_from_an_encrypted_item_is_told_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let renderer = Renderer::new(Encoding::Yaml).with_bags(secret_bags(folder.path()));
    let render = |text: &str| renderer.render(&file(text), &variables());
    let plain = render("a: {{ bag('db', 'main').host }}").unwrap();
    assert_eq!((&*plain.text, plain.is_secret, plain.secrets.len()), ("a: \"db1\"", false, 0));
    let text = "a: {{ bag('db', 'secret').password | upper }}\nb: {{ bag('db', 'secret').port | int + 1 }}";
    let secret = render(text).unwrap();
    assert_eq!(secret.text, "a: \"HUNTER2HUNTER2\"\nb: 5433");
    assert_eq!((secret.is_secret, &*secret.secrets), (true, &["5432".to_string(), "hunter2hunter2".to_string()][..]));
    let disguised = renderer.render_disguised(&file(text), &variables()).unwrap();
    assert_eq!(disguised.text, "a: \"IVOUFS3IVOUFS33\"\nb: 65434");

    let fault = render("a: {{ bag('db', 'secret').password | int }}").unwrap_err().to_string();
    assert!(fault.starts_with("site.yml.j2:1:") && !fault.contains("hunter2"), "{fault}");
    let fault = render("a: {{ bag('db', 'secret').pasword }}").unwrap_err().to_string();
    assert!(fault.contains("pasword is undefined") && !fault.contains("did you mean"), "{fault}");
    let fault = render("x:\n  {{ bag('dbb', 'main').host }}").unwrap_err().to_string();
    assert!(
        fault.starts_with("site.yml.j2:2:6: there is no bag dbb in") && fault.ends_with("did you mean db?"),
        "{fault}"
    );
    let fault = render("{{ bag('db') }}").unwrap_err().to_string();
    assert!(fault.contains("missing"), "{fault}");
    let fault = Renderer::new(Encoding::Raw).render(&file("{{ bag('a', 'b') }}"), &variables()).unwrap_err();
    assert_eq!(fault.message, "there are no data bags here");
}
