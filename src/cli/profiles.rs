//! The profiles a subcommand is given: paths, names to look up, or code.

use super::Errors;
use crate::error::Error;
use crate::profile::Profile;
use crate::run;
use std::path::{Path, PathBuf};

/// Which profiles.
#[derive(Debug, clap::Args)]
pub struct ProfileArgs {
    /// Directories or archives of profiles, or NAME@REQUIREMENT
    #[arg(value_name = "PROFILE")]
    pub paths: Vec<PathBuf>,
    /// Folders where NAME@REQUIREMENT is looked up
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    profile_path: Vec<PathBuf>,
}

impl ProfileArgs {
    /// An error where no profile is given.
    pub fn refuse_none(&self) -> Result<(), Error> {
        match self.paths.is_empty() {
            true => Err(Error::usage("no profile is given").hint("name its directory or its archive")),
            false => Ok(()),
        }
    }

    /// Loads every profile, and one made of `code` where there is any.
    pub fn load(&self, code: &[String]) -> Result<Vec<Profile>, Errors> {
        Ok(run::load_profiles(&self.paths, &self.profile_path, code)?)
    }
}

/// What to do about a flag that takes several values and swallows the profile.
pub const FIRST: &str = "name the profile first, or put -- before it";

/// Whether a word is the path of what may be a profile.
pub fn is_profile(word: &str) -> bool {
    let path = Path::new(word);
    path.join("profile.yml").exists() || (word.ends_with(".tar.gz") && path.exists())
}
