//! The `probity` program: parse, call, exit.

fn main() -> std::process::ExitCode {
    probity::cli::main().into()
}
