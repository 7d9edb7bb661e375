//! Nodes with the real parts this machine may lack: systemd as process 1, a database of rpm,
//! a root with nothing but busybox. Each is booted for its test and gone afterwards.

mod support;

mod lab {
    mod busybox;
    mod dpkg;
    pub mod node;
    mod rpm;
    mod system;
    mod systemd;
}
