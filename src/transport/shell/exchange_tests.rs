//! Conversations on bytes: what is sent when, and what is made of what comes.

use super::*;
use crate::transport::{Privilege, Secret, Tool, UnreachableKind};

const MARK: &str = "m4rk";
const SCRIPT: &str = "id -u\n";

/// Keeps what it hears.
#[derive(Default)]
struct Kept([Vec<u8>; 2]);

impl Listener for Kept {
    fn hear(&mut self, stream: Stream, bytes: &[u8]) -> Flow {
        self.0[stream as usize].extend_from_slice(bytes);
        Flow::Continue
    }
}

fn privilege(tool: Tool, password: Option<&str>) -> Privilege {
    Privilege { tool, user: None, password: password.map(Secret::new) }
}

fn exchange(privilege: Option<&Privilege>) -> Exchange<Kept> {
    let handshake = Handshake::new(privilege, MARK).expect("made");
    Exchange::new(handshake, SCRIPT.as_bytes(), Kept::default(), Duration::from_secs(1))
}

/// Sends all there is to send, a few bytes at a time, as a slow wire would.
fn send(exchange: &mut Exchange<Kept>) -> String {
    let mut sent = Vec::new();
    while !exchange.outgoing().is_empty() {
        let count = exchange.outgoing().len().min(3);
        sent.extend_from_slice(&exchange.outgoing()[..count]);
        exchange.sent(count);
    }
    String::from_utf8(sent).expect("text")
}

fn hear(exchange: &mut Exchange<Kept>, stream: Stream, text: &str) {
    assert_eq!(exchange.received(stream, text.as_bytes()), Flow::Continue, "{text}");
}

fn refused(mut exchange: Exchange<Kept>, exit: Exit) -> (UnreachableKind, String) {
    exchange.ended(exit);
    let unreachable = exchange.into_parts().0.refusal(exit, "web1").unreachable;
    (unreachable.kind, unreachable.message.to_string())
}

/// What sudo says on stderr before the end, after the shell that starts it.
fn sudo_says(password: Option<&str>, said: &str) -> String {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, password)));
    hear(&mut exchange, Stream::Stderr, "m4rks\n");
    if password.is_some() {
        hear(&mut exchange, Stream::Stderr, "m4rkp");
        send(&mut exchange);
    }
    hear(&mut exchange, Stream::Stderr, said);
    let (kind, message) = refused(exchange, Exit::Status(1));
    assert_eq!(kind, UnreachableKind::Privilege, "{message}");
    assert!(message.starts_with("cannot become root on web1: "), "{message}");
    message
}

#[test]
fn without_privilege_the_script_goes_at_once_and_noise_is_left_out() {
    let mut exchange = exchange(None);
    assert_eq!(exchange.command(), "exec sh -s");
    let sent = send(&mut exchange);
    assert!(sent.ends_with(SCRIPT) && sent.contains("m4rkr"), "{sent}");
    assert!(exchange.is_said() && !exchange.is_there());
    hear(&mut exchange, Stream::Stdout, "Welcome!\nm4");
    hear(&mut exchange, Stream::Stderr, "bashrc: oops\nm4rkr\nerr");
    hear(&mut exchange, Stream::Stdout, "rkr\n10");
    hear(&mut exchange, Stream::Stdout, "01\n");
    assert!(exchange.is_there());
    let Kept([stdout, stderr]) = exchange.into_parts().1;
    assert_eq!((&*stdout, &*stderr), (&b"1001\n"[..], &b"err"[..]));
}

#[test]
fn the_word_of_the_shell_is_found_wherever_it_is_cut() {
    let all = "noise m4 m4rk m4rkr\nanswer";
    for at in 0..all.len() {
        let mut exchange = exchange(None);
        hear(&mut exchange, Stream::Stdout, &all[..at]);
        hear(&mut exchange, Stream::Stdout, &all[at..]);
        assert_eq!(exchange.into_parts().1.0[0], b"answer", "cut at {at}");
    }
}

#[test]
fn the_password_waits_for_the_question_and_the_script_for_the_shell() {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, Some("s3cret"))));
    assert!(!exchange.command().contains("s3cret"));
    assert_eq!(send(&mut exchange), "");
    // A login script cannot draw the password out.
    hear(&mut exchange, Stream::Stderr, "m4rkp Password: \n");
    assert_eq!(send(&mut exchange), "");
    hear(&mut exchange, Stream::Stderr, "m4rks\nWe trust you have received the usual lecture\nm4r");
    assert_eq!(send(&mut exchange), "");
    hear(&mut exchange, Stream::Stderr, "kp");
    assert_eq!(send(&mut exchange), "s3cret\n");
    assert!(!exchange.is_said());
    hear(&mut exchange, Stream::Stderr, "\nm4rkr\n");
    assert_eq!(send(&mut exchange), "", "the shell is there when it says so on stdout");
    hear(&mut exchange, Stream::Stdout, "m4rks\nm4rkr\n");
    assert_eq!(send(&mut exchange), SCRIPT);
    assert!(exchange.is_said());
}

#[test]
fn a_tool_that_asks_nobody_gets_no_password() {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, Some("s3cret"))));
    hear(&mut exchange, Stream::Stderr, "m4rks\nm4rkr\n");
    hear(&mut exchange, Stream::Stdout, "m4rks\nm4rkr\n");
    assert_eq!(send(&mut exchange), SCRIPT);
}

#[test]
fn a_tool_that_asks_again_gets_the_end_of_its_input() {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, Some("wr0ng"))));
    hear(&mut exchange, Stream::Stderr, "m4rks\nm4rkp");
    assert_eq!(send(&mut exchange), "wr0ng\n");
    hear(&mut exchange, Stream::Stderr, "Sorry, try again.\nm4rkp");
    assert_eq!(send(&mut exchange), "");
    assert!(exchange.is_said());
    hear(&mut exchange, Stream::Stderr, "\nsudo: no password was provided\nsudo: 1 incorrect password attempt\n");
    let (kind, message) = refused(exchange, Exit::Status(1));
    assert_eq!(kind, UnreachableKind::Privilege);
    assert!(message.contains("tried once") && !message.contains("wr0ng"), "{message}");
}

#[test]
fn both_questions_at_once_are_answered_by_nothing() {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, Some("s3cret"))));
    hear(&mut exchange, Stream::Stderr, "m4rks\nm4rkpm4rkp");
    assert_eq!(send(&mut exchange), "");
    assert!(exchange.is_said());
}

#[test]
fn without_a_password_sudo_and_doas_may_not_ask_and_get_the_script_early() {
    for (tool, first) in [(Tool::Sudo, "sudo -n -H -u root"), (Tool::Doas, "doas -n -u root")] {
        let mut exchange = exchange(Some(&privilege(tool, None)));
        assert!(exchange.command().contains(first), "{}", exchange.command());
        assert_eq!(send(&mut exchange), SCRIPT);
    }
}

#[test]
fn su_is_answered_on_either_stream_and_only_with_a_password() {
    for stream in [Stream::Stdout, Stream::Stderr] {
        let mut exchange = exchange(Some(&privilege(Tool::Su, Some("s3cret"))));
        hear(&mut exchange, stream, "Password: ");
        assert_eq!(send(&mut exchange), "", "that was a login script");
        hear(&mut exchange, stream, "\nm4rks\nPassword: ");
        assert_eq!(send(&mut exchange), "s3cret\n");
        hear(&mut exchange, stream, "\nm4rkr\n");
        hear(&mut exchange, Stream::Stdout, "\nm4rkr\n");
        assert_eq!(send(&mut exchange), SCRIPT);
    }
    let mut exchange = exchange(Some(&privilege(Tool::Su, None)));
    hear(&mut exchange, Stream::Stderr, "m4rks\nPassword: ");
    assert!(exchange.outgoing().is_empty() && exchange.is_said());
    hear(&mut exchange, Stream::Stderr, "su: Authentication failure\n");
    assert!(refused(exchange, Exit::Status(1)).1.contains("none was given"));
}

#[test]
fn what_sudo_refuses_for_is_told_apart() {
    for (password, said, expected) in [
        (None, "sudo: a password is required\n", "none was given"),
        (None, "sudo: sorry, you must have a tty to run sudo\n", "requiretty"),
        (Some("s3cret"), "ops is not in the sudoers file.\nThis incident has been reported.\n", "to sudoers"),
        (Some("s3cret"), "Sorry, user ops may not run sudo on web1.\n", "to sudoers"),
        (
            Some("s3cret"),
            "Sorry, user ops is not allowed to execute '/bin/sh -c x' as root on web1.\n",
            "the command /bin/sh",
        ),
        (None, "sudo: unknown user root\nsudo: error initializing audit plugin\n", "no user root"),
        (None, "sudo: /usr/bin/sudo must be owned by uid 0 and have the setuid bit set\n", "setuid"),
        (None, "sudo: unable to resolve host\nsudo: parse error in /etc/sudoers\n", "parse error in"),
    ] {
        let message = sudo_says(password, said);
        assert!(message.contains(expected) && !message.contains("s3cret"), "{said}: {message}");
        assert!(!message.contains(MARK), "{message}");
    }
}

#[test]
fn a_tool_that_is_not_there_is_named() {
    let mut exchange = exchange(Some(&privilege(Tool::Doas, None)));
    hear(&mut exchange, Stream::Stderr, "m4rks\nsh: 1: exec: doas: not found\n");
    let (kind, message) = refused(exchange, Exit::Status(127));
    assert_eq!(kind, UnreachableKind::Privilege);
    assert!(message.contains("doas is not there") && message.contains("install it"), "{message}");
}

#[test]
fn who_answers_in_the_place_of_a_shell_is_quoted() {
    let mut exchange = exchange(Some(&privilege(Tool::Sudo, None)));
    hear(&mut exchange, Stream::Stdout, "This account is currently not available.\n\x1b[0m");
    let (kind, message) = refused(exchange, Exit::Status(1));
    assert_eq!(kind, UnreachableKind::Failed);
    assert_eq!(
        message,
        "no POSIX shell answers on web1; Probity needs one: it says \"This account is currently not available.\""
    );
}

#[test]
fn a_flood_before_the_shell_is_hung_up_on() {
    let mut exchange = exchange(None);
    let flood = "y\n".repeat(40_000);
    let flows: Vec<Flow> = (0..4).map(|_| exchange.received(Stream::Stdout, flood.as_bytes())).collect();
    assert_eq!(flows, [Flow::Continue, Flow::Continue, Flow::Continue, Flow::Close]);
    assert!(exchange.is_flooded());
    let (_, message) = refused(exchange, Exit::Closed);
    assert!(message.contains("endless output") && message.len() < 400, "{message}");
}

#[test]
fn a_password_of_two_lines_is_no_password() {
    let privilege = privilege(Tool::Sudo, Some("one\ntwo"));
    let error = Handshake::new(Some(&privilege), MARK).err().expect("refused");
    assert!(!error.message.contains("one\n") && error.message.contains("sudo"), "{error}");
}

#[test]
fn a_user_of_odd_letters_stays_one_word() {
    let odd = Privilege { user: Some("it's $(id) `id`".to_string()), ..privilege(Tool::Su, None) };
    let exchange = exchange(Some(&odd));
    let said = std::process::Command::new("sh")
        .arg("-c")
        .arg(exchange.command().replacen("; exec ", "; exec echo ", 1))
        .output()
        .expect("a shell");
    assert!(String::from_utf8_lossy(&said.stdout).ends_with("-- it's $(id) `id`\n"), "{said:?}");
}

#[test]
fn a_question_is_found_wherever_it_is_cut_and_only_at_the_start_of_a_line() {
    for (tool, all) in [
        (Tool::Sudo, "bashrc m4rkp\nm4rks\nLecture\nm4rkp"),
        (Tool::Su, "Password: \nm4rks\nYour new password: none\n Password: "),
    ] {
        for at in 0..all.len() {
            let mut exchange = exchange(Some(&privilege(tool, Some("s3cret"))));
            hear(&mut exchange, Stream::Stderr, &all[..at]);
            hear(&mut exchange, Stream::Stderr, &all[at..]);
            assert_eq!(send(&mut exchange), "s3cret\n", "{tool:?} cut at {at}");
            assert!(!exchange.is_said());
        }
    }
}

#[test]
fn a_node_that_sends_byte_by_byte_costs_no_more() {
    let mut exchange = exchange(Some(&privilege(Tool::Su, Some("s3cret"))));
    hear(&mut exchange, Stream::Stderr, "m4rks\n");
    let started = std::time::Instant::now();
    let sent = (0..1_000_000).take_while(|_| exchange.received(Stream::Stderr, b"x") == Flow::Continue).count();
    assert!((100_000..1_000_000).contains(&sent), "{sent}");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
}
