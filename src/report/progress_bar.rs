//! The progress bar on standard error. It folds what happens at this moment and leaves
//! nothing behind.

use super::standing::Standing;
use super::text;
use crate::results::{Live, Outcome};
use indicatif::{ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// How many controls of one node, or how many of several nodes, are done, what came of
/// them, and the node and control last heard of.
pub struct ProgressBar {
    bar: Bar,
    standing: Standing,
}

impl ProgressBar {
    /// A bar on standard error; indicatif draws nothing where that is no terminal.
    pub fn on_stderr() -> ProgressBar {
        let bar = ProgressBar::drawn_to(ProgressDrawTarget::stderr_with_hz(10));
        // So that the clock goes on while one control keeps the others waiting.
        bar.bar.enable_steady_tick(Duration::from_millis(250));
        bar
    }

    fn drawn_to(target: ProgressDrawTarget) -> ProgressBar {
        let bar = ProgressBar { bar: Bar::with_draw_target(Some(0), target), standing: Standing::default() };
        bar.style("[{bar:24}] {pos}/{len}  {elapsed}  {wide_msg}");
        bar
    }

    fn style(&self, template: &str) {
        // The templates are constants; were one wrong, the style before it would do.
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
    }

    /// How much there is to do.
    pub fn begin(&mut self, nodes: usize, controls: usize) {
        (self.standing.nodes, self.standing.controls) = (nodes, controls);
        if nodes > 1 {
            // The counts of nodes need the room.
            self.style("[{bar:10}] {pos}/{len} nodes  {prefix}  {elapsed}  {wide_msg}");
        }
        self.bar.set_length(if nodes > 1 { nodes } else { controls } as u64);
    }

    /// Takes in what just happened.
    pub fn live(&mut self, live: &Live) {
        self.standing.fold(live);
        let standing = &self.standing;
        if standing.nodes > 1 {
            self.bar.set_position(standing.done as u64);
            self.bar.set_prefix(standing.counts().join("  "));
            self.bar.set_message(doing(standing));
        } else {
            self.bar.set_position(standing.tally.total() as u64);
            self.bar.set_message(message(standing));
        }
    }

    /// Takes the bar off the screen.
    pub fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for ProgressBar {
    /// A run that ends in an error must not leave half a bar on the line of its message.
    fn drop(&mut self) {
        self.end();
    }
}

/// What is wrong on the one node so far, and where it is.
fn message(standing: &Standing) -> String {
    let mut parts = Vec::new();
    for outcome in [Outcome::Failed, Outcome::Errored] {
        let count = standing.tally.of(outcome);
        if count > 0 {
            parts.push(format!("{count} {}", outcome.words()));
        }
    }
    parts.push(doing(standing));
    parts.join("  ")
}

fn doing(standing: &Standing) -> String {
    text::bounded(&text::line(&standing.last), 60).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use indicatif::TermLike;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A terminal of one line.
    #[derive(Debug, Clone, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl Screen {
        fn contents(&self) -> String {
            self.0.lock().unwrap().trim().to_string()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _n: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn bar() -> (ProgressBar, Screen) {
        let screen = Screen::default();
        (ProgressBar::drawn_to(ProgressDrawTarget::term_like(Box::new(screen.clone()))), screen)
    }

    #[test]
    fn of_one_node_it_counts_every_control_and_names_what_is_wrong() {
        let (mut bar, screen) = bar();
        let controls = sample::controls("web1");
        bar.begin(1, controls.len());
        bar.live(&Live::Started { node: "web1".into() });
        for control in &controls {
            let (node, id) = (control.node.clone(), control.control.id.clone());
            bar.live(&Live::Control { node, control: id, outcome: control.outcome });
        }
        bar.bar.force_draw();
        assert!(screen.contents().ends_with("7/7  0s  1 failed  1 errored  web1 web-answers"), "{}", screen.contents());
        bar.end();
        assert_eq!(screen.contents(), "", "nothing is left behind");
    }

    #[test]
    fn of_several_nodes_it_counts_nodes() {
        let (mut bar, screen) = bar();
        bar.begin(200, 200 * 7);
        for number in 0..101 {
            bar.live(&Live::Started { node: format!("web{number}").into() });
        }
        for number in 0..37 {
            let tally = crate::results::Tally { failed: usize::from(number < 3), ..Default::default() };
            bar.live(&Live::Finished { node: format!("web{number}").into(), tally, unreachable: number == 3 });
        }
        let (node, control) = ("web77".into(), "sshd-ciphers".into());
        bar.live(&Live::Control { node, control, outcome: Outcome::Passed });
        bar.bar.force_draw();
        assert_eq!(
            screen.contents(),
            "[=>        ] 37/200 nodes  64 running  3 failed  1 unreachable  0s  web77 sshd-ciphers"
        );
    }
}
