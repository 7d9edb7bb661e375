//! The reference pages are made from the code; a stale one fails here.
//! `UPDATE_DOCS=1 cargo test --test reference` writes them anew.

mod support;

use std::path::Path;

#[test]
fn the_reference_of_resources_is_not_stale() {
    let made = support::probity(&["resources", "--markdown"]).stdout;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/resources.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(made == kept, "docs/resources.md is stale: UPDATE_DOCS=1 cargo test --test reference writes it anew");
}

#[test]
fn every_resource_has_its_page() {
    for entry in probity::resource::ALL {
        let page = support::probity(&["resources", entry.name]).stdout;
        for word in [entry.summary(), entry.source, "Example"] {
            let word = word.lines().next().unwrap().trim();
            assert!(page.contains(word), "{}: {word:?} is not on its page", entry.name);
        }
    }
    let unknown = support::probity(&["resources", "fiel"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("did you mean file?"), "{}", unknown.stderr);
}
