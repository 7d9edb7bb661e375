use super::*;
use crate::results::event::{NodeStarted, ProfileStarted, WaiverSummary};
use crate::results::{ControlFinished, Outcome};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use proptest::prelude::*;

fn masker(secrets: &[&str]) -> Masker {
    Masker::new(secrets.iter().map(|secret| secret.to_string()).collect())
}

/// The secret in each form it must not be met in, each on its own.
fn forms_of(secret: &str) -> Vec<String> {
    let debug = format!("{secret:?}");
    let json = serde_json::to_string(secret).unwrap();
    let twice = serde_json::to_string(&debug).unwrap();
    let ascii_json: String = secret.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    let lua: String = secret
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            '\n' => "\\\n".to_string(),
            '\r' => "\\13".to_string(),
            '\0' => "\\0".to_string(),
            c => c.to_string(),
        })
        .collect();
    let url = |keep: fn(u8) -> bool, upper: bool| -> String {
        secret
            .bytes()
            .map(|byte| match (keep(byte), upper) {
                (true, _) => (byte as char).to_string(),
                (false, true) => format!("%{byte:02X}"),
                (false, false) => format!("%{byte:02x}"),
            })
            .collect()
    };
    let mut forms = vec![
        secret.to_string(),
        debug[1..debug.len() - 1].to_string(),
        json[1..json.len() - 1].to_string(),
        twice[3..twice.len() - 3].to_string(),
        ascii_json,
        lua,
        url(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte), true),
        url(|byte| byte.is_ascii_alphanumeric() || b"-_.~/:@!$&'()*,;=".contains(&byte), false),
        url(|_| false, true),
        url(|byte| byte.is_ascii_alphanumeric() || b"*-._ ".contains(&byte), true).replace(' ', "+"),
    ];
    for before in ["", "x", "yz", "user:"] {
        for after in ["", "!", "end"] {
            let text = format!("{before}{secret}{after}");
            forms.push(BASE64_STANDARD.encode(&text));
            forms.push(BASE64_URL_SAFE_NO_PAD.encode(&text));
        }
    }
    forms
}

/// What of a form nobody must find in masked text: for base64 the characters that hold
/// nothing but the secret.
fn traces_of(secret: &str) -> Vec<String> {
    let mut traces = forms_of(secret)[..10].to_vec();
    for before in 0..3 {
        let bytes = [&vec![b'x'; before][..], secret.as_bytes()].concat();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        traces.push(BASE64_STANDARD.encode(&bytes)[first..end].to_string());
        traces.push(BASE64_URL_SAFE_NO_PAD.encode(&bytes)[first..end].to_string());
    }
    traces
}

/// Events that hold `text` wherever a secret may come from.
fn events(text: &str) -> Vec<RunEvent> {
    let text = || text.to_string();
    let shared = || Some(Arc::<str>::from(text()));
    let step = Step {
        outcome: Outcome::Failed,
        sentence: text(),
        expected: Some(text()),
        found: Some(text()),
        message: Some(text()),
        traceback: Some(text()),
        resource: None,
        file: "f".into(),
        line: 1,
        evidence: vec![text()],
    };
    let control = Arc::new(ControlSummary {
        id: "c".into(),
        title: shared(),
        impact: 0.5,
        desc: shared(),
        rationale: shared(),
        fix: shared(),
        tags: IndexMap::from([(text(), Value::List(vec![Value::from(text())]))]),
        refs: vec![Reference { text: text(), url: Some(text()) }],
        file: "f".into(),
        line: 1,
        code: text().into(),
    });
    let attribute = AttributeSummary {
        name: "a".into(),
        kind: "string".into(),
        required: false,
        sensitive: false,
        value: Value::Map(IndexMap::from([(text(), Value::Bytes(text().into_bytes().into()))])),
        origin: text(),
    };
    vec![
        RunEvent::NodeStarted(NodeStarted {
            node: "n".into(),
            target: text().into(),
            groups: vec!["web".into()],
            user: shared(),
            platform: None,
            error: shared(),
        }),
        RunEvent::ProfileStarted(Box::new(ProfileStarted {
            node: "n".into(),
            profile: Arc::new(ProfileSummary {
                name: "p".into(),
                version: "1.0.0".into(),
                sha256: "0".into(),
                title: shared(),
                summary: shared(),
                maintainer: shared(),
                license: shared(),
                supports: Value::List(vec![Value::from(text())]),
                controls: vec![control.clone()],
            }),
            attributes: vec![attribute],
            not_applicable: shared(),
        })),
        RunEvent::ControlFinished(Box::new(ControlFinished {
            node: "n".into(),
            profile: "p".into(),
            control,
            outcome: Outcome::Failed,
            reason: shared(),
            steps: vec![step],
            waiver: Some(WaiverSummary { justification: text(), until: None, expired: false }),
            attempts: 1,
            started: "t".into(),
            seconds: 0.5,
        })),
    ]
}

fn serialized(masker: &Masker, events: &mut [RunEvent]) -> String {
    let mut all = String::new();
    for event in events {
        masker.mask_event(event);
        all.push_str(&serde_json::to_string(event).unwrap());
    }
    all
}

#[test]
fn every_form_is_masked_and_the_rest_stays() {
    for secret in ["hunter2!", "snake_and-kebab", "pa\"ss\\wörd\n✔", "a b+c/d%e&f<g>'h", "\u{1f511}\u{7}key\0"] {
        let masker = masker(&[secret]);
        for form in forms_of(secret) {
            let masked = masker.mask_text(&form).into_owned();
            assert!(masked.contains(MASK), "{secret:?} as {form:?} became {masked:?}");
            let before_and_after = format!("seen: {form} (cut)");
            let masked = masker.mask_text(&before_and_after);
            assert!(masked.starts_with("seen: ") && masked.ends_with(" (cut)"), "{form:?} became {masked:?}");
        }
        assert!(matches!(masker.mask_text("nothing to hide"), Cow::Borrowed(_)));
    }
}

#[test]
fn base64_over_several_lines_is_found() {
    let secret = "correct horse battery staple";
    let encoded = BASE64_STANDARD.encode(format!("user:{secret}\n"));
    let broken = format!("{}\n{}", &encoded[..20], &encoded[20..]);
    assert_eq!(masker(&[secret]).mask_text(&broken), format!("{}{MASK}Cg==", &encoded[..6]));
}

#[test]
fn secrets_that_begin_alike_are_masked_whole() {
    let masker = masker(&["secret", "secret-and-more"]);
    assert_eq!(masker.mask_text("is secret-and-more or secret"), "is *** or ***");
}

#[test]
fn short_secrets_are_masked_as_whole_values_only() {
    let masker = masker(&["no", "42", ""]);
    assert_eq!(masker.mask_text("no"), "***");
    assert_eq!(masker.mask_text("\"no\""), "***");
    assert_eq!(masker.mask_text("PermitRootLogin is \"no\", not 'no'"), "PermitRootLogin is \"***\", not '***'");
    assert_eq!(masker.mask_text("nothing is known of 421"), "nothing is known of 421");
    assert_eq!(self::masker(&["true"]).mask_text("expected true, or \"true\""), "expected true, or \"***\"");
    let mut value = Value::List(vec![Value::Int(42), Value::Int(421)]);
    masker.value(&mut value);
    assert_eq!(value, Value::List(vec![Value::from(MASK), Value::Int(421)]));
}

#[test]
fn a_secret_of_several_lines_is_found_line_by_line() {
    let masker = masker(&["first line of it\nsecond line of it\nab\n"]);
    assert_eq!(masker.mask_text("x second line of it y"), "x *** y");
    assert_eq!(masker.mask_text("x first line of it\\nsecond line of it\\nab y"), "x *** y");
    assert_eq!(masker.mask_text("absent"), "absent");
}

#[test]
fn long_secrets_are_found_also_where_they_are_cut() {
    let secret: String = (0..5000).map(|at| char::from(b'!' + (at * 7 % 90) as u8)).collect();
    let masker = masker(&[&secret]);
    assert!(masker.mask_text(&secret).chars().all(|c| c == '*'));
    let cut = &secret[..1234];
    let masked = masker.mask_text(cut);
    assert!(!masked.contains(&secret[..50]) && masked.len() < 250, "{masked}");
}

#[test]
fn hashes_and_keys_are_secret_by_nature() {
    let mut all = IN_REPORTS.iter().chain(&IN_RECORDINGS);
    assert!(all.all(|secret| secret.pattern.is_some()), "a pattern is broken");
    let masker = masker(&[]);
    for hash in [
        "$6$rounds=5000$saltsalt$0kFNIlPUxLhKcLpTrdLCx3kOlGNXF6aDYc1x/",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "$1$abcdefgh$aVoXbKGmSGFQuCDJNyWtX1",
        "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b7dWA",
    ] {
        let line = format!("root:{hash}:19700:0:99999:7:::");
        assert_eq!(masker.mask_text(&line), "root:***:19700:0:99999:7:::");
        assert_eq!(masker.mask_text(&format!("found {line:?}")), "found \"root:***:19700:0:99999:7:::\"");
    }
    assert_eq!(masker.mask_text("bob:rqXexS6ZhobKA:19700:0:99999:7:::"), "bob:***:19700:0:99999:7:::");
    assert_eq!(masker.mask_text("bob:!:19700:0:99999:7:::"), "bob:!:19700:0:99999:7:::");
    assert_eq!(masker.mask_text("awk '{print $1$2}'"), "awk '{print $1$2}'");
    assert_eq!(masker.mask_text("root:x:0:0:root:/root:/bin/sh"), "root:x:0:0:root:/root:/bin/sh");

    let body = "MIIEpAIBAAKCAQEA1234567890abcdef\nABCDEF==";
    for kind in ["", "RSA ", "OPENSSH ", "ENCRYPTED "] {
        let key = format!("-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----");
        assert_eq!(masker.mask_text(&format!("a {key} b")), "a *** b");
        assert_eq!(masker.mask_text(&format!("a {key:?} b")), "a \"***\" b");
        let list = Value::strings(key.lines()).to_string();
        assert_eq!(masker.mask_text(&list), "[\"***\"]");
        assert_eq!(masker.mask_text(&key[..70]), MASK, "a key that was cut");
    }
    let pattern = "content matches /-----BEGIN RSA PRIVATE KEY-----/ in no file";
    assert_eq!(masker.mask_text(pattern), pattern);
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEA1234567890\n-----END CERTIFICATE-----";
    assert_eq!(masker.mask_text(certificate), certificate);
}

#[test]
fn a_sensitive_attribute_is_masked_whatever_it_is() {
    let mut all = events("plain");
    if let RunEvent::ProfileStarted(started) = &mut all[1] {
        started.attributes[0].sensitive = true;
        started.attributes[0].value = Value::Bool(true);
    }
    let text = serialized(&masker(&[]), &mut all);
    assert!(text.contains("\"sensitive\":true,\"value\":\"***\""), "{text}");
}

#[test]
fn metadata_is_masked_once_and_shared() {
    let masker = masker(&["hunter22"]);
    let mut all = events("the hunter22 secret");
    let again = all[2].clone();
    serialized(&masker, &mut all);
    let mut again = [again];
    serialized(&masker, &mut again);
    let (RunEvent::ProfileStarted(started), RunEvent::ControlFinished(first), RunEvent::ControlFinished(second)) =
        (&all[1], &all[2], &again[0])
    else {
        panic!("other events")
    };
    assert!(Arc::ptr_eq(&started.profile.controls[0], &first.control));
    assert!(Arc::ptr_eq(&first.control, &second.control));
    assert_eq!(first.control.title.as_deref(), Some("the *** secret"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_form_of_a_secret_survives(
        secret in prop_oneof!["[!-)+-~ ]{4,24}", "\\PC{4,12}", "[\\x00-\\x1f\"'\\\\/%+ a-c]{4,12}"],
        form in any::<prop::sample::Index>(),
    ) {
        // Masks next to each other could spell a secret that is made of asterisks, and
        // a secret that is a word of the event itself is everywhere.
        prop_assume!(!secret.contains('*') && !["true", "false"].contains(&secret.as_str()));
        // Whitespace that ends a value is no part of what is compared as a whole.
        prop_assume!(secret.trim() == secret);
        let plain = serialized(&masker(&[]), &mut events("~"));
        let traces = traces_of(&secret);
        prop_assume!(traces.iter().all(|trace| !plain.contains(trace.as_str())));
        let masker = masker(&[&secret]);
        for form in [secret.clone(), form.get(&forms_of(&secret)).clone()] {
            let mut all = events(&format!("~ {form} ~"));
            let text = serialized(&masker, &mut all);
            for trace in &traces {
                prop_assert!(!text.contains(trace.as_str()), "{secret:?} as {form:?} left {trace:?} in {text}");
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_text_is_taken(secrets in proptest::collection::vec(".{0,120}", 0..3), text in ".{0,200}") {
        Masker::new(secrets).mask_text(&text);
    }
}

#[test]
fn observations_keep_how_a_password_is_hashed() {
    let masker = Masker::new(vec!["hunter2-and-more".to_string()]);
    for (line, kept) in [
        ("a:$6$salt$Abcdefgh0123456789./:19000:0:99999:7:::", "a:$6$***:19000:0:99999:7:::"),
        ("a:!$y$j9T$salt.salt$Abcdefgh01234567:19000:0:99999:7:::", "a:!$y$***:19000:0:99999:7:::"),
        ("a:$argon2id$v=19$m=65536$abcdefgh$ijkl:19000::::::", "a:$argon2id$***:19000::::::"),
        ("a:$new$0123456789abcdef:19000:0:99999:7:::", "a:$new$***:19000:0:99999:7:::"),
        ("a:abJnggxhB/yWI:19000:0:99999:7:::", "a:.............:19000:0:99999:7:::"),
        ("a:!_J9..rasmBYk8r9AiWNc:19000:0:99999:7:::", "a:!_...................:19000:0:99999:7:::"),
        ("a:*:19000:0:99999:7:::", "a:*:19000:0:99999:7:::"),
        ("a::19000:0:99999:7:::", "a::19000:0:99999:7:::"),
        ("a:!locked:19000:0:99999:7:::", "a:!locked:19000:0:99999:7:::"),
        ("token=hunter2-and-more", "token=***"),
    ] {
        assert_eq!(masker.mask_observation(line), kept);
        // What a report shows of it is no more.
        assert_eq!(masker.mask_observation(&masker.mask_observation(line)), kept);
    }
    assert_eq!(masker.mask_text("a:_J9..rasmBYk8r9AiWNc:19000:0:99999:7:::"), "a:***:19000:0:99999:7:::");
}
