//! Conditions of requirements (`; python_version < "3.9"`), judged for one Python on this machine.

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder};

use super::requirement::Requirement;
use crate::interpreter::PythonVersion;

/// What conditions are judged by.
pub(crate) struct Markers(Option<MarkerEnvironment>);

impl Markers {
    /// Those of that Python here.
    pub(crate) fn of(version: PythonVersion) -> Self {
        let (full, short) = (version.to_string(), format!("{}.{}", version.major, version.minor));
        let (platform, system) = match std::env::consts::OS {
            "macos" => ("darwin", "Darwin"),
            "linux" => ("linux", "Linux"),
            other => (other, other),
        };
        let machine = match std::env::consts::ARCH {
            "aarch64" if platform == "darwin" => "arm64",
            machine => machine,
        };
        let known = MarkerEnvironmentBuilder {
            implementation_name: "cpython",
            implementation_version: &full,
            os_name: "posix",
            platform_machine: machine,
            platform_python_implementation: "CPython",
            platform_release: "",
            platform_system: system,
            platform_version: "",
            python_full_version: &full,
            python_version: &short,
            sys_platform: platform,
        };
        Self(known.try_into().ok())
    }

    /// Whether a requirement counts here.
    pub(crate) fn allow(&self, item: &Requirement) -> bool {
        match (&self.0, &item.marker) {
            (Some(here), Some(marker)) => marker.evaluate(here, &[]),
            _ => true,
        }
    }
}
