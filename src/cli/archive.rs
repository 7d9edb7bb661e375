//! `probity archive`

use super::{Global, Outcome};
use crate::error::exit;
use crate::profile::Profile;
use crate::profile::archive::{IndexedControl, file_name, write};
use std::path::PathBuf;
use std::rc::Rc;

/// Packs a profile into NAME-VERSION.tar.gz
///
/// The same profile gives the same bytes on every machine and every day. The archive holds
/// an index of its controls and the SHA-256 of every file, which `probity exec` checks.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    probity archive profiles/linux-baseline\n  \
    probity archive my-profile --output out/ --overwrite")]
pub struct ArchiveArgs {
    /// The directory of the profile
    profile: PathBuf,
    /// Where to write it: a file, or a folder for NAME-VERSION.tar.gz in it
    #[arg(short, long, value_name = "PATH", default_value = ".")]
    output: PathBuf,
    /// Replace an archive that is already there
    #[arg(long)]
    overwrite: bool,
}

pub fn run(args: &ArchiveArgs, global: &Global) -> Outcome {
    let profile = Profile::load(&args.profile)?;
    let engine = crate::run::load(&profile, Rc::new(|_, _| {}))?;
    let controls: Vec<IndexedControl> = engine
        .summaries()
        .map(|control| IndexedControl {
            id: control.id.to_string(),
            title: control.title.as_deref().map(str::to_string),
        })
        .collect();
    crate::run::refuse_empty(&profile, controls.len())?;
    let path = match args.output.is_dir() {
        true => args.output.join(file_name(&profile.manifest)),
        false => args.output.clone(),
    };
    write(&profile, &controls, &path, args.overwrite)?;
    let path = path.strip_prefix(".").unwrap_or(&path).display();
    if global.quiet {
        return Ok(exit::OK);
    }
    super::print(&format!("{path}  {} controls, content sha256 {}\n", controls.len(), profile.sha256()))?;
    Ok(exit::OK)
}
