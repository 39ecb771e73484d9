//! The agent of launchd.

use std::path::{Path, PathBuf};

use super::{Installation, remove_unit, run_tool, show_tool, words, write_unit};
use crate::cli::failure::Failure;

/// The agent as it is written, with places to fill in.
const AGENT: &str = include_str!("../../../../packaging/launchd/jottad.plist");
const LABEL: &str = "jottad";

/// jottad under launchd.
#[derive(Debug)]
pub(crate) struct Launchd(pub(super) Installation);

impl Launchd {
    pub(super) fn install(&self) -> Result<PathBuf, Failure> {
        self.0.places.make_state_dir()?;
        let path = self.agent_file();
        write_unit(&path, &self.agent())?;
        // An older one under the same label has to go first; that there was none is fine.
        let _ = run_tool("launchctl", ["bootout", &target()])?;
        launchctl(&["bootstrap", &domain(), &path.display().to_string()])?;
        Ok(path)
    }

    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        // That it does not run is fine.
        let _ = run_tool("launchctl", ["bootout", &target()])?;
        remove_unit(&self.agent_file())
    }

    pub(super) fn start(&self) -> Result<(), Failure> {
        let path = self.agent_file();
        if !path.exists() {
            return Err(Failure::failed("the service is not installed").hint("jottad service install"));
        }
        // It may be loaded already.
        let _ = run_tool("launchctl", ["bootstrap", &domain(), &path.display().to_string()])?;
        launchctl(&["kickstart", &target()])
    }

    /// The process of the agent, while it has one.
    pub(super) fn process() -> Option<i32> {
        let output = run_tool("launchctl", ["list", LABEL]).ok()?;
        process_in(&String::from_utf8_lossy(&output.stdout))
    }

    pub(super) fn stop() -> Result<(), Failure> {
        launchctl(&["bootout", &target()])
    }

    pub(super) fn restart() -> Result<(), Failure> {
        launchctl(&["kickstart", "-k", &target()])
    }

    pub(super) fn logs(&self, follow: bool) -> Result<(), Failure> {
        show_tool("tail", self.log_arguments(follow))
    }

    pub(super) fn log_arguments(&self, follow: bool) -> Vec<String> {
        let log = self.log_file().display().to_string();
        let arguments = if follow { vec!["-n", "100", "-F", &log] } else { vec!["-n", "1000", &log] };
        arguments.into_iter().map(str::to_owned).collect()
    }

    pub(super) fn agent_file(&self) -> PathBuf {
        self.0.places.home.join("Library/LaunchAgents").join(format!("{LABEL}.plist"))
    }

    fn log_file(&self) -> PathBuf {
        self.0.places.state_dir.join("jottad.log")
    }

    /// How the agent names these places.
    pub(super) fn places_in_agent(&self) -> [String; 2] {
        let places = &self.0.places;
        [&places.config_file, &places.state_dir]
            .map(|path| format!("<string>{}</string>", escape(&path.display().to_string())))
    }

    /// The agent with this program and these places in it.
    fn agent(&self) -> String {
        let Installation { program, places } = &self.0;
        let text = |path: &Path| escape(&path.display().to_string());
        AGENT
            .replace("@PROGRAM@", &text(program))
            .replace("@CONFIG@", &text(&places.config_file))
            .replace("@STATE_DIR@", &text(&places.state_dir))
            .replace("@LOG@", &text(&self.log_file()))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The process that `launchctl list` names, in a line such as `"PID" = 4711;`.
fn process_in(listed: &str) -> Option<i32> {
    let line = listed.lines().find_map(|line| line.trim().strip_prefix("\"PID\" = "))?;
    line.trim_end_matches(';').parse().ok()
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn target() -> String {
    format!("{}/{LABEL}", domain())
}

fn launchctl(arguments: &[&str]) -> Result<(), Failure> {
    let output = run_tool("launchctl", arguments)?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::failed(format!("launchctl {}: {}", arguments.join(" "), words(&output)))
        .hint("services of a user need that user's graphical session: log in at the machine itself"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::places::Places;

    fn agent() -> String {
        let places = Places {
            home: "/Users/kari".into(),
            config_file: "/Users/kari/a&b.toml".into(),
            state_dir: "/Users/kari/state".into(),
        };
        Launchd(Installation { program: "/usr/local/bin/jottad".into(), places }).agent()
    }

    /// The texts between tags, with their tags, after checking that tags nest.
    fn elements(text: &str) -> Vec<(String, String)> {
        let body = &text[text.find("<plist").unwrap()..];
        let (mut open, mut found) = (Vec::new(), Vec::new());
        for part in body.split('<').skip(1) {
            let (tag, content) = part.split_once('>').unwrap();
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap().to_owned()),
            }
            if !content.trim().is_empty() {
                found.push((open.last().unwrap().clone(), content.trim().to_owned()));
            }
        }
        assert!(open.is_empty(), "{open:?}");
        found
    }

    #[test]
    fn the_process_of_the_agent_is_read_from_what_is_listed() {
        let listed = "{\n\t\"Label\" = \"jottad\";\n\t\"PID\" = 4711;\n\t\"LastExitStatus\" = 0;\n};\n";
        assert_eq!(process_in(listed), Some(4711));
        assert_eq!(process_in("{\n\t\"Label\" = \"jottad\";\n};\n"), None);
    }

    #[test]
    fn the_agent_is_a_property_list_that_runs_this_program() {
        let agent = agent();
        assert!(!agent.contains('@'), "{agent}");
        let elements = elements(&agent);
        let strings: Vec<&str> =
            elements.iter().filter(|(tag, _)| tag == "string").map(|(_, text)| text.as_str()).collect();
        let command = [
            "/usr/local/bin/jottad",
            "--config",
            "/Users/kari/a&amp;b.toml",
            "--state-dir",
            "/Users/kari/state",
            "run",
        ];
        assert!(strings.windows(command.len()).any(|window| window == command), "{strings:?}");
        assert!(elements.contains(&("key".to_owned(), "KeepAlive".to_owned())));
    }
}
