//! Nodes with the real parts this machine may lack: systemd as process 1, a database of rpm,
//! a root with nothing but busybox. Some are booted for their test and gone afterwards; those
//! with SSH are shared by all tests. docs/lab.md says more.

mod support;

mod lab {
    mod agent;
    mod agreement;
    mod busybox;
    mod dpkg;
    pub mod fleet;
    #[expect(clippy::module_inception, reason = "the tests of the lab itself")]
    mod lab;
    pub mod node;
    mod over_ssh;
    mod rpm;
    mod system;
    mod systemd;
}
