//! The JSON schema of pipeline files, made of the tables that read them.

use super::file::keys;
use super::key::{Key, Shape};
use super::provisioner;
use serde_json::{Map, Value, json};

/// The schema, in draft 7 of JSON Schema, which editors know best.
pub fn document() -> Value {
    let mut definitions = Map::new();
    definitions.insert("template".to_string(), json!({ "type": "string", "pattern": "\\{\\{|\\{%" }));
    definitions.insert("variable".to_string(), section(&[keys::VARIABLE], &Map::new()));
    for kind in keys::KINDS {
        let provisioners = match keys::takes_provisioner(kind) {
            true => provisioner::TABLE.iter().map(|kind| (kind.key.to_string(), provisioner_schema(kind))).collect(),
            false => Map::new(),
        };
        let mut schema = section(keys::of_kind(kind), &provisioners);
        schema["properties"]["kind"] = json!({ "const": kind, "description": keys::STAGE[0].doc });
        definitions.insert((*kind).to_string(), schema);
    }
    let by_kind = keys::KINDS.iter().map(|kind| {
        json!({
            "if": { "properties": { "kind": { "const": kind } }, "required": ["kind"] },
            "then": { "$ref": format!("#/definitions/{kind}") },
        })
    });
    let mut document = section(&[keys::PIPELINE], &Map::new());
    document["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    document["title"] = "Probity pipeline".into();
    document["properties"]["vars"]["additionalProperties"] = json!({
        "anyOf": [{ "type": ["string", "number", "boolean", "null"] }, { "$ref": "#/definitions/variable" }]
    });
    document["properties"]["stages"]["minProperties"] = 1.into();
    document["properties"]["stages"]["additionalProperties"] = json!({
        "type": "object",
        "required": ["kind"],
        "properties": { "kind": { "enum": keys::KINDS } },
        "allOf": by_kind.collect::<Vec<_>>(),
    });
    document["definitions"] = Value::Object(definitions);
    document
}

/// A map with these keys and no others.
fn section(sections: &[&[Key]], others: &Map<String, Value>) -> Value {
    let keys = || sections.iter().flat_map(|keys| keys.iter());
    let mut properties: Map<String, Value> =
        keys().map(|key| (key.name.to_string(), described(value(key.shape), key.doc))).collect();
    properties.extend(others.iter().map(|(name, schema)| (name.clone(), schema.clone())));
    let required: Vec<&str> = keys().filter(|key| key.required).map(|key| key.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// The value of a key that names a provisioner: a map of its keys, or the one that may stand alone.
fn provisioner_schema(kind: &provisioner::Kind) -> Value {
    let properties: Map<String, Value> =
        kind.keys.iter().map(|key| (key.name.to_string(), described(value(key.shape), key.doc))).collect();
    let required: Vec<&str> = kind.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let map =
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false });
    let alone = kind.alone.and_then(|name| kind.keys.iter().find(|key| key.name == name));
    let schema = match alone {
        Some(key) => json!({ "anyOf": [value(key.shape), map] }),
        None => map,
    };
    described(schema, kind.doc)
}

fn described(mut schema: Value, doc: &str) -> Value {
    schema["description"] = doc.into();
    schema
}

/// The schema of a value; where a text is rendered it may be a template whatever its type.
pub fn value(shape: Shape) -> Value {
    let or_template = |schema: Value| json!({ "anyOf": [schema, { "$ref": "#/definitions/template" }] });
    let text = || json!({ "type": ["string", "number", "boolean"] });
    match shape {
        Shape::Text | Shape::Path => text(),
        Shape::Texts | Shape::Paths => json!({ "anyOf": [text(), { "type": "array", "items": text() }] }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Bool => or_template(json!({ "type": "boolean" })),
        Shape::Number(least, most) => or_template(json!({ "type": "integer", "minimum": least, "maximum": most })),
        Shape::Impact => or_template(json!({ "type": "number", "minimum": 0, "maximum": 1 })),
        Shape::Duration => or_template(json!({ "type": "string", "pattern": "^[0-9.]+ *(ms|s|m|h|d)$" })),
        Shape::Share => or_template(json!({
            "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[1-9][0-9]*%?$" }]
        })),
        Shape::TextMap => json!({ "type": "object", "additionalProperties": text() }),
        Shape::Map => json!({ "type": "object" }),
        Shape::Inventory => json!({ "type": ["string", "object", "array"] }),
        Shape::Program => json!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": text(), "minItems": 1 }]
        }),
    }
}
