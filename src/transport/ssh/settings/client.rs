//! What the client itself makes of its files: `ssh -G`.

use super::{Asked, Files, Pairs};
use std::process::{Command, Stdio};

/// Asks the client; `unclear` is why our own reader cannot tell.
pub(super) fn pairs(asked: &Asked, unclear: &str) -> Result<Pairs, String> {
    let mut command = Command::new("ssh");
    command.arg("-G");
    match &asked.files {
        Files::Default => {}
        Files::Only(path) => {
            command.arg("-F").arg(path);
        }
        Files::None => {
            command.args(["-F", "none"]);
        }
    }
    if let Some(user) = &asked.user {
        command.args(["-l", user]);
    }
    if let Some(port) = asked.port {
        command.args(["-p", &port.to_string()]);
    }
    command.args(["--", &asked.host]).stdin(Stdio::null());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!("{unclear}; install the ssh client, which can tell"));
        }
        Err(error) => return Err(format!("{unclear}, and ssh cannot be started: {error}")),
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("it does not say why");
        return Err(format!("{unclear}, and ssh -G {} failed: {said}", asked.host));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

/// A line for each setting: the keyword in lower case, a space, the value.
fn read(output: &str) -> Pairs {
    let pairs = output.lines().filter_map(|line| line.split_once(' '));
    pairs
        // Said for what was not set as well; our own defaults are to count then.
        .filter(|(keyword, value)| !(*keyword == "stricthostkeychecking" && *value == "ask"))
        .filter(|(keyword, value)| !(["serveraliveinterval", "connecttimeout"].contains(keyword) && *value == "0"))
        .map(|(keyword, value)| (keyword.to_ascii_lowercase(), value.to_string()))
        .collect()
}
