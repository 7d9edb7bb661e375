//! Questions to name servers: RFC 1035, resolv.conf(5).
//!
//! No resolver of its own: it asks the configured recursive servers for addresses and
//! believes what they say. It is here to tell "no such name" from "nobody answered".

use crate::probe::{Fault, FaultKind};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const NO_ERROR: u8 = 0;
const NO_SUCH_NAME: u8 = 3;
/// resolv.conf(5): no more servers are asked.
const MOST_SERVERS: usize = 3;
/// How long one server gets before the next is asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name servers of a machine.
#[derive(Debug, PartialEq)]
pub(super) struct Servers {
    addresses: Vec<SocketAddr>,
    /// Domains that are appended to short names.
    search: Vec<String>,
    /// A name with fewer dots is short.
    ndots: usize,
}

/// What a server says of a name.
#[derive(Debug, PartialEq)]
enum Said {
    Addresses(Vec<IpAddr>),
    /// The answer does not fit a datagram.
    Truncated,
    /// A failure of the server, by its code.
    Refused(u8),
}

impl Servers {
    /// The servers resolv.conf(5) names; none where it names none.
    pub(super) fn configured(configuration: &str) -> Servers {
        let mut servers = Servers { addresses: Vec::new(), search: Vec::new(), ndots: 1 };
        for line in configuration.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") if servers.addresses.len() < MOST_SERVERS => {
                    let address = words.next().and_then(|word| word.split('%').next()?.parse::<IpAddr>().ok());
                    servers.addresses.extend(address.map(|address| SocketAddr::new(address, 53)));
                }
                // The last of them counts.
                Some("search" | "domain") => servers.search = words.map(str::to_string).collect(),
                Some("options") => {
                    let ndots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse::<usize>().ok()).next_back();
                    servers.ndots = ndots.unwrap_or(servers.ndots).min(15);
                }
                _ => {}
            }
        }
        servers
    }

    /// The addresses of a name. Empty: a server says there are none, or no server is
    /// configured. That no server answers is a fault.
    pub(super) fn look_up(&self, host: &str, limit: Duration) -> Result<Vec<IpAddr>, Fault> {
        let deadline = Instant::now() + limit;
        if self.addresses.is_empty() {
            return Ok(Vec::new());
        }
        for name in self.candidates(host) {
            let mut addresses = self.ask(&name, TYPE_A, deadline)?;
            addresses.extend(self.ask(&name, TYPE_AAAA, deadline)?);
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Ok(Vec::new())
    }

    /// The full names a name may stand for, in the order they are tried.
    fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_string()];
        }
        let mut names: Vec<String> =
            self.search.iter().map(|domain| format!("{host}.{}", domain.trim_matches('.'))).collect();
        let dots = host.bytes().filter(|&byte| byte == b'.').count();
        names.insert(if dots >= self.ndots { 0 } else { names.len() }, host.to_string());
        names
    }

    fn ask(&self, name: &str, kind: u16, deadline: Instant) -> Result<Vec<IpAddr>, Fault> {
        // A name that cannot be encoded is no name.
        let Some(question) = encode(name, kind) else { return Ok(Vec::new()) };
        let mut troubles = Vec::new();
        for &server in &self.addresses {
            let patience = deadline.saturating_duration_since(Instant::now()).min(PATIENCE);
            if patience.is_zero() {
                troubles.push("the time is up".to_string());
                break;
            }
            match exchange(server, &question, kind, patience) {
                Ok(Said::Addresses(addresses)) => return Ok(addresses),
                Ok(Said::Truncated) => troubles.push(format!("{} cuts its answer", server.ip())),
                Ok(Said::Refused(code)) => troubles.push(format!("{} says error {code}", server.ip())),
                Err(error) if is_time_out(&error) => troubles.push(format!("{} does not answer", server.ip())),
                Err(error) => troubles.push(format!("{}: {error}", server.ip())),
            }
        }
        Err(Fault::new(FaultKind::Failed, format!("cannot look up {name}: {}", troubles.join(", "))))
    }
}

fn is_time_out(error: &std::io::Error) -> bool {
    // A receive time-out is EAGAIN.
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Asks over UDP, and over TCP when the answer is too long for that.
fn exchange(server: SocketAddr, question: &[u8], kind: u16, patience: Duration) -> std::io::Result<Said> {
    let from: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(from)?;
    // Connected, it takes answers from the server only and learns that nobody listens.
    socket.connect(server)?;
    socket.send(question)?;
    let deadline = Instant::now() + patience;
    let mut answer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let length = socket.recv(&mut answer)?;
        match decode(&answer[..length], question, kind) {
            Some(Said::Truncated) => break,
            Some(said) => return Ok(said),
            // Not the answer to this question: wait on.
            None => {}
        }
    }
    let mut stream = TcpStream::connect_timeout(&server, patience)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let length = u16::try_from(question.len()).map_err(|_| std::io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    decode(&answer, question, kind).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
}

/// A question; `None` for a name with an empty or a too long label.
fn encode(name: &str, kind: u16) -> Option<Vec<u8>> {
    // The socket is connected and its port random, as is this number by the clock.
    let id = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
    let mut question = Vec::with_capacity(name.len() + 18);
    question.extend(((id >> 4) as u16).to_be_bytes());
    // Recursion desired; one question.
    question.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        question.push(length);
        question.extend(label.as_bytes());
    }
    question.push(0);
    question.extend(kind.to_be_bytes());
    question.extend([0, 1]);
    (question.len() <= 255 + 16).then_some(question)
}

/// What an answer says; `None`: it does not answer `question`, or is cut off.
fn decode(answer: &[u8], question: &[u8], kind: u16) -> Option<Said> {
    let number = |at: usize| Some(u16::from_be_bytes(answer.get(at..at + 2)?.try_into().ok()?));
    let same_question = answer.get(12..question.len())?.eq_ignore_ascii_case(question.get(12..)?);
    if answer.get(..2) != question.get(..2) || answer[2] & 0x80 == 0 || number(4)? != 1 || !same_question {
        return None;
    }
    if answer[2] & 0x02 != 0 {
        return Some(Said::Truncated);
    }
    match answer[3] & 0x0f {
        NO_ERROR => {}
        NO_SUCH_NAME => return Some(Said::Addresses(Vec::new())),
        code => return Some(Said::Refused(code)),
    }
    let mut at = question.len();
    let mut addresses = Vec::new();
    for _ in 0..number(6)? {
        at = after_name(answer, at)?;
        let its_kind = number(at)?;
        let length = usize::from(number(at + 8)?);
        let data = answer.get(at + 10..at + 10 + length)?;
        // Others are the aliases on the way.
        if its_kind == kind {
            addresses.push(match kind {
                TYPE_A => IpAddr::from(<[u8; 4]>::try_from(data).ok()?),
                _ => IpAddr::from(<[u8; 16]>::try_from(data).ok()?),
            });
        }
        at += 10 + length;
    }
    Some(Said::Addresses(addresses))
}

/// Where a name ends: at its empty label, or at a pointer, which is not followed.
fn after_name(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to `question` with records that point back to its name.
    fn answer(question: &[u8], code: u8, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut answer = question.to_vec();
        answer[2] |= 0x80;
        answer[3] = 0x80 | code;
        answer[7] = records.len() as u8;
        for (kind, data) in records {
            answer.extend([0xc0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 60]);
            answer.extend((data.len() as u16).to_be_bytes());
            answer.extend(*data);
        }
        answer
    }

    /// A server on this machine that answers as `reply` says.
    fn serve(reply: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> Servers {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("bound");
        std::thread::spawn(move || {
            let mut question = [0; 600];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                if let Some(answer) = reply(&question[..length]) {
                    socket.send_to(&answer, from).ok();
                }
            }
        });
        Servers { addresses: vec![address], search: Vec::new(), ndots: 1 }
    }

    #[test]
    fn both_families_are_asked_and_aliases_passed_over() {
        let servers = serve(|question| {
            let aaaa = question[question.len() - 3] == 28;
            Some(match aaaa {
                false => answer(question, 0, &[(5, b"\x01x\0"), (TYPE_A, &[192, 0, 2, 1]), (TYPE_A, &[192, 0, 2, 2])]),
                true => answer(question, 0, &[(TYPE_AAAA, &Ipv6Addr::LOCALHOST.octets())]),
            })
        });
        let found = servers.look_up("host.example", Duration::from_secs(5)).expect("answered");
        let found: Vec<_> = found.iter().map(IpAddr::to_string).collect();
        assert_eq!(found, ["192.0.2.1", "192.0.2.2", "::1"]);
    }

    #[test]
    fn no_such_name_is_an_answer_and_silence_is_a_fault() {
        let absent = serve(|question| Some(answer(question, NO_SUCH_NAME, &[])));
        assert_eq!(absent.look_up("no.example", Duration::from_secs(5)), Ok(Vec::new()));
        let broken = serve(|question| Some(answer(question, 2, &[])));
        assert!(broken.look_up("no.example", Duration::from_secs(5)).is_err());
        let silent = serve(|_| None);
        let fault = silent.look_up("no.example", Duration::from_millis(300)).expect_err("nobody answers");
        assert!(fault.message.contains("no.example") && fault.message.contains("does not answer"), "{fault}");
        let closed = UdpSocket::bind("127.0.0.1:0").expect("a socket").local_addr().expect("bound");
        let nobody = Servers { addresses: vec![closed], search: Vec::new(), ndots: 1 };
        assert!(nobody.look_up("no.example", Duration::from_secs(1)).is_err());
    }

    #[test]
    fn an_answer_to_another_question_is_not_believed() {
        let servers = serve(|question| {
            let mut other = question.to_vec();
            other[0] ^= 1;
            Some(answer(&other, 0, &[(TYPE_A, &[192, 0, 2, 66])]))
        });
        assert!(servers.look_up("host.example", Duration::from_millis(300)).is_err());
    }

    #[test]
    fn the_next_server_is_asked_when_one_fails() {
        let mut servers = serve(|question| Some(answer(question, 2, &[])));
        let good = serve(|question| Some(answer(question, 0, &[])));
        servers.addresses.extend(good.addresses);
        assert_eq!(servers.look_up("host.example", Duration::from_secs(5)), Ok(Vec::new()));
    }

    #[test]
    fn cut_off_and_hostile_answers_do_no_harm() {
        let question = encode("host.example", TYPE_A).expect("a name");
        let whole = answer(&question, 0, &[(TYPE_A, &[1, 2, 3, 4])]);
        assert!(matches!(decode(&whole, &question, TYPE_A), Some(Said::Addresses(found)) if found.len() == 1));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length], &question, TYPE_A), None, "{length}");
        }
        for at in question.len()..whole.len() {
            for byte in [0, 1, 0x3f, 0xc0, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                decode(&changed, &question, TYPE_A);
            }
        }
        assert_eq!(encode("", TYPE_A), None);
        assert_eq!(encode("a..b", TYPE_A), None);
        assert_eq!(encode(&"x".repeat(64), TYPE_A), None);
    }

    #[test]
    fn the_configuration_gives_servers_and_short_names_their_domains() {
        let text = "# local\nnameserver 192.0.2.53\nnameserver fe80::1%eth0\nnameserver bad\nsearch a.example b.example\n\
                    options timeout:1 ndots:2\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n";
        let servers = Servers::configured(text);
        assert_eq!(servers.addresses.len(), MOST_SERVERS);
        assert_eq!(servers.candidates("db"), ["db.a.example", "db.b.example", "db"]);
        assert_eq!(servers.candidates("www.c.example")[0], "www.c.example");
        assert_eq!(servers.candidates("db."), ["db"]);
        assert_eq!(Servers::configured("").look_up("db", Duration::from_secs(1)), Ok(Vec::new()));
    }
}
