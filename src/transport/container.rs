//! Containers, asked through the tool of their engine: `docker exec`, `podman exec`,
//! `kubectl exec`, with a shell of the container's own at the other end.
//!
//! An engine's tool that is ended does not end what it started in the container. That gets
//! the end of its input, and commands of a script end at their own time limits.

use super::shell::spawn::Spawner;
use super::shell::{Exit, Shell};
use super::{Options, Unreachable, UnreachableKind};
use crate::target::{Container, Target};

/// What keeps a container from being reached, told from what its engine says.
struct Trouble {
    /// Words of the engine's message, in lower case, all of which it has.
    words: &'static [&'static str],
    kind: UnreachableKind,
    /// What is wrong, and what to do about it.
    meaning: &'static str,
}

const fn trouble(words: &'static [&'static str], kind: UnreachableKind, meaning: &'static str) -> Trouble {
    Trouble { words, kind, meaning }
}

/// Looked through in this order. The words are those of Docker 20 to 28, Podman 4 to 5 with
/// crun or runc, and kubectl 1.20 to 1.32.
const TROUBLES: &[Trouble] = &[
    trouble(
        &["cannot connect to the docker daemon"],
        UnreachableKind::Refused,
        "the Docker daemon does not answer; start it, or set DOCKER_HOST",
    ),
    trouble(
        &["permission denied", "docker"],
        UnreachableKind::Authentication,
        "this user may not talk to the Docker daemon; run as root or join the group docker",
    ),
    trouble(
        &["cannot connect to podman"],
        UnreachableKind::Refused,
        "the Podman service does not answer; start it, or set CONTAINER_HOST",
    ),
    trouble(
        &["the connection to the server", "refused"],
        UnreachableKind::Refused,
        "the Kubernetes API server does not answer; check the cluster and KUBECONFIG",
    ),
    trouble(
        &["unable to connect to the server"],
        UnreachableKind::Refused,
        "the Kubernetes API server does not answer; check the cluster and KUBECONFIG",
    ),
    trouble(
        &["must be logged in to the server"],
        UnreachableKind::Authentication,
        "the cluster does not accept this login; check KUBECONFIG",
    ),
    trouble(
        &["forbidden"],
        UnreachableKind::Authentication,
        "this user may not exec there; ask for the right to create pods/exec",
    ),
    trouble(
        &["namespaces", "not found"],
        UnreachableKind::UnknownHost,
        "there is no such namespace; kubectl get namespaces lists them",
    ),
    trouble(
        &["container", "not valid for pod"],
        UnreachableKind::UnknownHost,
        "the pod has no such container; kubectl describe pod lists them",
    ),
    trouble(&["pods", "not found"], UnreachableKind::UnknownHost, "there is no such pod; kubectl get pods lists them"),
    trouble(&["container not found"], UnreachableKind::Refused, "the container does not run; start it"),
    trouble(&["completed pod"], UnreachableKind::Refused, "the pod has ended; start it"),
    trouble(&["no such container"], UnreachableKind::UnknownHost, "there is no such container; ps -a lists them"),
    trouble(&["no container with"], UnreachableKind::UnknownHost, "there is no such container; ps -a lists them"),
    trouble(&["is not running"], UnreachableKind::Refused, "the container does not run; start it"),
    trouble(&["is paused"], UnreachableKind::Refused, "the container is paused; unpause it"),
    trouble(&["container state improper"], UnreachableKind::Refused, "the container does not run; start it"),
    trouble(&["unable to find user"], UnreachableKind::Authentication, "the container has no such user"),
    trouble(&["no matching entries in passwd"], UnreachableKind::Authentication, "the container has no such user"),
    trouble(
        &["executable file", "not found"],
        UnreachableKind::Failed,
        "there is no shell in the container; Probity needs a POSIX sh there",
    ),
    trouble(
        &["\"sh\"", "no such file or directory"],
        UnreachableKind::Failed,
        "there is no shell in the container; Probity needs a POSIX sh there",
    ),
];

/// The transport to a running container.
///
/// # Errors
/// When an option asks for what the engine cannot do. Whether the container can be reached
/// shows with the first batch.
pub fn open(container: &Container, options: &Options) -> Result<Shell, Unreachable> {
    let node = Target::Container(container.clone()).to_string();
    let carrier = Spawner::new(words(container, options, &node)?)?;
    let name = node.clone();
    Ok(Shell::new(node, Box::new(carrier), options)
        .explained_by(Box::new(move |said, exit| explain(&name, said, exit))))
}

/// The command up to the line that the container's shell is given.
fn words(container: &Container, options: &Options, node: &str) -> Result<Vec<String>, Unreachable> {
    let user = options.user.as_deref();
    let words = match container {
        Container::Docker { name } => in_engine("docker", name, user),
        Container::Podman { name } => in_engine("podman", name, user),
        Container::Kubectl { namespace, pod, container } => {
            if let Some(user) = user {
                let message =
                    format!("{node} cannot be asked as user {user}: kubectl exec knows no users; leave it out");
                return Err(Unreachable::new(UnreachableKind::Setup, message));
            }
            let option = |name: &'static str, value: &Option<String>| {
                value.iter().flat_map(|value| [name.to_string(), value.clone()]).collect::<Vec<_>>()
            };
            let exec = ["kubectl", "exec", "-i"].map(str::to_string).to_vec();
            [exec, option("-n", namespace), vec![pod.clone()], option("-c", container), vec!["--".to_string()]].concat()
        }
    };
    Ok(words.into_iter().chain(["sh".to_string(), "-c".to_string()]).collect())
}

fn in_engine(engine: &str, name: &str, user: Option<&str>) -> Vec<String> {
    let user = user.into_iter().flat_map(|user| ["-u", user]);
    [engine, "exec", "-i"].into_iter().chain(user).chain([name]).map(str::to_string).collect()
}

/// Why there is no shell, where the engine says why.
fn explain(node: &str, said: &str, exit: Exit) -> Option<Unreachable> {
    if matches!(exit, Exit::Closed | Exit::TimedOut) {
        return None;
    }
    let lower = said.to_lowercase();
    let found = TROUBLES.iter().find(|trouble| trouble.words.iter().all(|words| lower.contains(words)))?;
    Some(Unreachable::new(found.kind, format!("{node} cannot be reached: {}", found.meaning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(uri: &str, options: &Options) -> Result<String, Unreachable> {
        match uri.parse::<Target>().expect("a target") {
            Target::Container(container) => words(&container, options, uri).map(|words| words.join(" ")),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn the_tool_of_the_engine_is_called_as_it_wants_to_be() {
        let none = Options::default();
        assert_eq!(command("docker://web", &none).expect("made"), "docker exec -i web sh -c");
        assert_eq!(command("kubectl://pod", &none).expect("made"), "kubectl exec -i pod -- sh -c");
        let whole = "kubectl exec -i -n prod pod -c app -- sh -c";
        assert_eq!(command("kubectl://prod/pod/app", &none).expect("made"), whole);
        let ops = Options { user: Some("ops".to_string()), ..Options::default() };
        assert_eq!(command("podman://web", &ops).expect("made"), "podman exec -i -u ops web sh -c");
        assert!(command("kubectl://pod", &ops).expect_err("no users").message.contains("user ops"));
    }

    #[test]
    fn what_an_engine_says_is_told_apart() {
        for (said, kind, meaning) in [
            (
                "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
                UnreachableKind::Refused,
                "start it",
            ),
            (
                "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: \
                 Get \"http://%2Fvar%2Frun%2Fdocker.sock/v1.24/containers/web/json\": dial unix: connect: permission denied",
                UnreachableKind::Authentication,
                "group docker",
            ),
            ("Error response from daemon: No such container: web", UnreachableKind::UnknownHost, "no such container"),
            ("Error response from daemon: container 4f0c is not running", UnreachableKind::Refused, "does not run"),
            (
                "Error response from daemon: Container web is paused, unpause the container before exec",
                UnreachableKind::Refused,
                "unpause",
            ),
            (
                "OCI runtime exec failed: exec failed: unable to start container process: exec: \"sh\": executable file not \
                 found in $PATH: unknown",
                UnreachableKind::Failed,
                "no shell",
            ),
            (
                "Error: no container with name or ID \"web\" found: no such container",
                UnreachableKind::UnknownHost,
                "no such container",
            ),
            (
                "Error: can only create exec sessions on running containers: container state improper",
                UnreachableKind::Refused,
                "does not run",
            ),
            ("Error from server (NotFound): pods \"web\" not found", UnreachableKind::UnknownHost, "no such pod"),
            (
                "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
                UnreachableKind::Refused,
                "KUBECONFIG",
            ),
            (
                "Error from server (Forbidden): pods \"web\" is forbidden: User \"jane\" cannot create resource",
                UnreachableKind::Authentication,
                "pods/exec",
            ),
            (
                "Error from server (BadRequest): container app is not valid for pod web",
                UnreachableKind::UnknownHost,
                "no such container",
            ),
            (
                "error: cannot exec into a container in a completed pod; current phase is Succeeded",
                UnreachableKind::Refused,
                "has ended",
            ),
        ] {
            let found = explain("docker://web", said, Exit::Status(1)).expect(said);
            assert_eq!(found.kind, kind, "{said}");
            assert!(found.message.starts_with("docker://web cannot be reached: "), "{found}");
            assert!(found.message.contains(meaning), "{said}: {found}");
        }
        assert_eq!(explain("docker://web", "something else", Exit::Status(1)), None);
    }
}
