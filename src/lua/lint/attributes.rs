//! Attributes: each that is used is declared, each that is declared is used.

use super::finding::{Finding, UNDECLARED_ATTRIBUTE, UNUSED_ATTRIBUTE};
use super::sheet::{Gathered, Sheet};
use super::tree::{Expr, Node};
use super::walk::Context;
use crate::error::did_you_mean;
use crate::profile::Profile;

pub fn look(expr: &Expr, _: Context, sheet: &mut Sheet<'_>) {
    match &expr.node {
        Node::Name { name, local: None } if name == "attributes" => sheet.read_attributes += 1,
        Node::Field { object, name, name_at } if object.global() == Some("attributes") => {
            sheet.named_attributes += 1;
            let declared = &sheet.profile.manifest.attributes;
            if !declared.contains_key(name.as_str()) {
                let hint = did_you_mean(name, declared.keys().map(|name| &**name));
                sheet.find_with(
                    &UNDECLARED_ATTRIBUTE,
                    *name_at,
                    format!("the profile declares no attribute {name}; {hint}"),
                    format!("or declare it under attributes: in {}", crate::profile::manifest::FILE),
                );
            }
            sheet.gathered.attributes.insert(name.clone());
        }
        _ => {}
    }
}

/// Called after the last look at a file: `attributes` was also read as a whole or by a
/// computed name.
pub fn after_file(sheet: &mut Sheet<'_>) {
    sheet.gathered.any_attribute |= sheet.read_attributes > sheet.named_attributes;
}

/// The declared attributes that no file reads.
pub fn unused(profile: &Profile, gathered: &Gathered, findings: &mut Vec<Finding>) {
    if gathered.any_attribute {
        return;
    }
    let declared = profile.manifest.attributes.values();
    for attribute in declared.filter(|attribute| !gathered.attributes.contains(&*attribute.name)) {
        let message = format!("no control uses the attribute {}", attribute.name);
        let error = profile.document.error(&attribute.place, message);
        findings.push(Finding { rule: &UNUSED_ATTRIBUTE, error }.hint("use it, or take it out"));
    }
}
