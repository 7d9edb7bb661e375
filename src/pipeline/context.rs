//! What the templates of a stage can name: variables, the environment, what earlier stages gave.

use crate::inventory::Inventory;
use crate::plan::template::Variables;
use crate::results::Outcome;
use crate::value::Value;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known when a stage begins.
#[derive(Debug, Clone, Default)]
pub struct Context {
    pub variables: BTreeMap<String, String>,
    pub stages: BTreeMap<Arc<str>, Gave>,
}

/// What a stage that ended gives to later ones.
#[derive(Debug, Clone)]
pub struct Gave {
    pub outcome: Outcome,
    pub outputs: IndexMap<String, Value>,
    pub inventory: Option<Arc<Inventory>>,
}

impl Context {
    /// As templates see it: `vars`, `env` and `stages`.
    pub fn variables(&self) -> Variables {
        let text = |(name, value): (&String, &String)| (name.clone(), Value::from(value.as_str()));
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, Value::from(value.into_string().ok()?))));
        Variables::from([
            ("vars".to_string(), Value::Map(self.variables.iter().map(text).collect())),
            ("env".to_string(), Value::Map(environment.collect())),
            ("stages".to_string(), self.stages()),
        ])
    }

    /// What stages gave, by their names.
    pub fn stages(&self) -> Value {
        Value::Map(self.stages.iter().map(|(name, gave)| (name.to_string(), gave.to_value())).collect())
    }
}

impl Gave {
    fn to_value(&self) -> Value {
        let nodes = self.inventory.iter().flat_map(|inventory| {
            inventory.nodes.iter().map(|(name, node)| {
                let groups = node.groups.iter().filter_map(|group| inventory.groups.get_index(*group));
                Value::Map(IndexMap::from([
                    ("name".to_string(), Value::from(&**name)),
                    ("target".to_string(), Value::from(node.target.to_string())),
                    ("groups".to_string(), Value::List(groups.map(|(name, _)| Value::from(&**name)).collect())),
                ]))
            })
        });
        Value::Map(IndexMap::from([
            ("outcome".to_string(), Value::from(self.outcome.name())),
            ("outputs".to_string(), Value::Map(self.outputs.clone())),
            ("nodes".to_string(), Value::List(nodes.collect())),
        ]))
    }
}
