//! `os_env`

use super::{Args, Instance};
use crate::node::{Seen, Sight, Unseen};
use crate::probe::Environment;
use crate::value::Value;
use std::sync::Arc;

resource! {
    /// Checks a variable of the environment commands run with on the node.
    ///
    /// That is the environment of the user Probity looks as, not that of a login shell of
    /// somebody else. A variable that is not set does not exist; one set to nothing does.
    OsEnv = "os_env" {
        source: "environ(7)",
        example: r#"describe(os_env "PATH"):exists():its("split", contains "/usr/bin")"#,
        falsified: ("/usr/bin", "/usr/no/such/bin"),
        args {
            /// The name of the variable.
            name: Str,
        }
        properties {
            /// The value.
            content: Str = OsEnv::content;
            /// The parts of the value between colons.
            split: List = |this: &OsEnv, seen: &Seen<'_>| this.content(seen).map(|content| Value::strings(content.split(':')));
        }
        predicates {}
        methods {}
    }
}

/// An environment variable.
pub struct OsEnv {
    name: Arc<str>,
}

impl OsEnv {
    fn new(args: &Args) -> Result<OsEnv, String> {
        let name = args.required("name");
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(format!("os_env: {name:?} cannot be the name of a variable"));
        }
        Ok(OsEnv { name })
    }

    fn content(&self, seen: &Seen<'_>) -> Sight<String> {
        let environment = seen.get(Environment)?;
        environment.get(&*self.name).cloned().ok_or_else(|| Unseen::Missing(self.title()))
    }
}

impl Instance for OsEnv {
    fn title(&self) -> String {
        format!("Environment variable {}", self.name)
    }

    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(seen.get(Environment)?.contains_key(&*self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::testing::{Trial, missing};
    use crate::transport::scripted::Scripted;

    fn variable(name: &str) -> Trial {
        let set =
            [("PATH", "/usr/bin::/bin"), ("EMPTY", "")].map(|(name, value)| (name.to_string(), value.to_string()));
        Trial::of("os_env", [name.into()], Scripted::new().with(Environment, Arc::new(set.into())))
    }

    #[test]
    fn a_path_keeps_its_empty_parts() {
        let path = variable("PATH");
        assert_eq!(path.its("split"), Ok(Value::strings(["/usr/bin", "", "/bin"])));
        assert_eq!(path.rounds(), 1);
    }

    #[test]
    fn empty_is_set_and_unset_is_missing() {
        assert_eq!(variable("EMPTY").exists(), Ok(true));
        assert_eq!(variable("EMPTY").its("content"), Ok("".into()));
        assert_eq!(variable("LD_PRELOAD").exists(), Ok(false));
        assert_eq!(missing(variable("LD_PRELOAD").its("content")), "Environment variable LD_PRELOAD");
    }
}
