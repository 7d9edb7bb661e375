//! The machine a root file system is for, as the header of its programs says, elf(5).

use crate::transport::local::Local;

/// Programs every system has one of; a script in the place of one is passed over.
const PROGRAMS: [&str; 6] =
    ["/bin/sh", "/bin/busybox", "/usr/bin/env", "/sbin/init", "/usr/lib/systemd/systemd", "/bin/true"];

/// The name uname(2) gives on the machine its programs are for; `None` where no program
/// says so.
pub(super) fn of(local: &Local) -> Option<&'static str> {
    PROGRAMS.iter().find_map(|path| in_header(&local.beginning(path)?))
}

/// The machine in the header of a program.
fn in_header(header: &[u8]) -> Option<&'static str> {
    let identity = header.strip_prefix(b"\x7fELF")?;
    let (is_64_bit, is_little) = (*identity.first()? == 2, *identity.get(1)? == 1);
    let bytes = [*header.get(18)?, *header.get(19)?];
    let machine = if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    Some(match (machine, is_64_bit, is_little) {
        (3, ..) => "i686",
        (62, ..) => "x86_64",
        (40, ..) => "armv7l",
        (183, _, true) => "aarch64",
        (183, _, false) => "aarch64_be",
        (8, true, _) => "mips64",
        (8, false, _) => "mips",
        (20, ..) => "ppc",
        (21, _, true) => "ppc64le",
        (21, _, false) => "ppc64",
        (22, true, _) => "s390x",
        (22, false, _) => "s390",
        (43, ..) => "sparc64",
        (243, true, _) => "riscv64",
        (243, false, _) => "riscv32",
        (258, ..) => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(class: u8, order: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut header = b"\x7fELF".to_vec();
        header.extend([class, order, 1, 0]);
        header.resize(18, 0);
        header.extend(machine);
        header
    }

    #[test]
    fn the_machine_is_in_the_header() {
        assert_eq!(in_header(&header(2, 1, [62, 0])), Some("x86_64"));
        assert_eq!(in_header(&header(2, 1, [183, 0])), Some("aarch64"));
        assert_eq!(in_header(&header(2, 2, [0, 22])), Some("s390x"));
        assert_eq!(in_header(&header(2, 1, [255, 255])), None);
        assert_eq!(in_header(&header(2, 1, [62, 0])[..19]), None, "cut off");
        assert_eq!(in_header(b"#!/bin/sh\n# a wrapper of twenty bytes"), None);
    }

    #[test]
    fn a_program_of_this_machine_says_what_it_is() {
        assert_eq!(of(&Local::new()), Some(std::env::consts::ARCH));
    }
}
