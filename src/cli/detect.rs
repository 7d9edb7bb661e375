//! `probity detect`

use super::{Outcome, TextOrJson};
use crate::error::{Error, exit};
use crate::node::Node;
use crate::transport::local::Local;
use std::rc::Rc;

/// Prints what operating system this machine runs
///
/// These are the facts that `supports` of a profile and `os()` in a control go by.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  probity detect\n  probity detect --format json")]
pub struct DetectArgs {
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TextOrJson,
}

pub fn run(args: &DetectArgs) -> Outcome {
    let transport = Rc::new(Local::new());
    let node = Node::new("localhost", "local://", transport, jiff::Timestamp::now().as_second());
    let platform = crate::run::look_at(&node).map_err(|fault| {
        let mut error = Error::usage(format!("this machine cannot be looked at: {fault}"));
        error.code = exit::ERRORED;
        error
    })?;
    let families: Vec<&str> = platform.families.iter().map(|family| &**family).collect();
    let text = match args.format {
        TextOrJson::Text => format!(
            "name:     {}\ntitle:    {}\nrelease:  {}\nfamilies: {}\narch:     {}\nkernel:   {}\n",
            platform.name,
            platform.title,
            platform.release,
            families.join(", "),
            platform.kernel.machine,
            platform.kernel.release
        ),
        TextOrJson::Json => {
            let object = serde_json::json!({
                "format": "probity/platform",
                "version": 1,
                "name": &*platform.name,
                "title": &*platform.title,
                "release": &*platform.release,
                "family": &*platform.family,
                "families": families,
                "arch": &*platform.kernel.machine,
                "kernel": &*platform.kernel.release,
            });
            format!("{object:#}\n")
        }
    };
    super::print(&text)?;
    Ok(exit::OK)
}
