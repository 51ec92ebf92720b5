//! The user's settings for pip, of variables and of pip's own files, for an installer that reads neither.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;

use crate::Machine;

/// What the user has told pip.
pub(super) struct PipSettings<'a> {
    machine: &'a Machine,
    /// By the names of options: `index-url`. Several values stand in lines.
    of_files: BTreeMap<String, String>,
}

impl<'a> PipSettings<'a> {
    /// Reads the files that pip reads, in its order: those of the machine, of the user, of the virtual environment, and the one
    /// that `PIP_CONFIG_FILE` names. One that is not there, or makes no sense, says nothing.
    pub(super) fn read(machine: &'a Machine) -> Self {
        let mut of_files = BTreeMap::new();
        for file in files(machine) {
            let text = fs_err::read(file).unwrap_or_default();
            take(&String::from_utf8_lossy(&text), &mut of_files);
        }
        Self { machine, of_files }
    }

    /// The value of an option such as `index-url`: that of its variable (`PIP_INDEX_URL`), else that of the files.
    pub(super) fn value(&self, option: &str) -> Option<&str> {
        let variable = format!("PIP_{}", option.replace('-', "_").to_uppercase());
        let of_files = || self.of_files.get(option).map(String::as_str).filter(|value| !value.is_empty());
        self.machine.variable(&variable).or_else(of_files)
    }

    /// Whether a switch such as `no-index` is on.
    pub(super) fn is_on(&self, option: &str) -> bool {
        self.value(option)
            .is_some_and(|value| !matches!(value.to_lowercase().as_str(), "0" | "false" | "no" | "off"))
    }
}

fn files(machine: &Machine) -> Vec<Utf8PathBuf> {
    let named = machine.variable("PIP_CONFIG_FILE");
    if named == Some("/dev/null") {
        return Vec::new();
    }
    let folders = machine.variable("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg");
    let mut files: Vec<Utf8PathBuf> =
        folders.split(':').map(|folder| Utf8PathBuf::from(folder).join("pip/pip.conf")).collect();
    files.push("/etc/pip.conf".into());
    if let Some(home) = &machine.home {
        files.push(home.join(".pip/pip.conf"));
        let of_mac = home.join("Library/Application Support/pip");
        files.push(match machine.variable("XDG_CONFIG_HOME") {
            _ if cfg!(target_os = "macos") && of_mac.is_dir() => of_mac.join("pip.conf"),
            Some(folder) => Utf8PathBuf::from(folder).join("pip/pip.conf"),
            None => home.join(".config/pip/pip.conf"),
        });
    }
    files.extend(machine.variable("VIRTUAL_ENV").map(|folder| Utf8PathBuf::from(folder).join("pip.conf")));
    files.extend(named.map(Utf8PathBuf::from));
    files
}

/// Takes in what a file says for every command and for `pip install`, which goes before it.
fn take(text: &str, settings: &mut BTreeMap<String, String>) {
    let (mut all, mut install) = (BTreeMap::new(), BTreeMap::new());
    let mut section = None;
    let mut last: Option<String> = None;
    for line in text.trim_start_matches('\u{feff}').lines() {
        let told = line.trim();
        if told.is_empty() || told.starts_with(['#', ';']) {
            continue;
        }
        let values = match section {
            Some("global") => Some(&mut all),
            Some("install") => Some(&mut install),
            _ => None,
        };
        if line.starts_with([' ', '\t']) {
            // A value goes on over lines that are indented.
            if let Some(value) =
                values.and_then(|values: &mut BTreeMap<String, String>| values.get_mut(last.as_deref()?))
            {
                value.push('\n');
                value.push_str(told);
            }
        } else if let Some(name) = told.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            (section, last) = (Some(name.trim()), None);
        } else if let (Some(values), Some((name, value))) = (values, told.split_once(['=', ':'])) {
            let name = name.trim().to_lowercase().replace('_', "-");
            values.insert(name.clone(), value.trim().to_owned());
            last = Some(name);
        }
    }
    settings.extend(all);
    settings.extend(install);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_pip_reads_it() {
        let mut settings = BTreeMap::new();
        take(
            "# ours\n[global]\nindex_url = https://h/a\nextra-index-url =\n    https://h/b\n    https://h/c\n\n[list]\nformat = json\n\
             [install]\nIndex-URL: https://h/d\n",
            &mut settings,
        );
        let told = |name: &str| settings.get(name).map(|value| value.trim());
        assert_eq!(told("index-url"), Some("https://h/d"));
        assert_eq!(told("extra-index-url"), Some("https://h/b\nhttps://h/c"));
        assert_eq!(told("format"), None);
    }

    #[test]
    fn variables_go_before_files_and_the_user_s_file_before_the_machine_s() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        for (file, text) in [
            ("etc/pip/pip.conf", "[global]\nindex-url = https://h/machine\nof-machine = yes\ntimeout = 3\n"),
            (".config/pip/pip.conf", "[global]\nindex-url = https://h/user\nproxy = http://user\n"),
            ("named.conf", "[global]\nproxy = http://named\nno-index = true\n"),
        ] {
            let file = folder.path().join(file);
            fs_err::create_dir_all(file.parent().unwrap()).unwrap();
            fs_err::write(file, text).unwrap();
        }
        let named = format!("{home}/named.conf");
        let mut variables = vec![
            ("HOME", home.to_owned()),
            ("XDG_CONFIG_DIRS", format!("{home}/etc")),
            ("PIP_CONFIG_FILE", named),
            ("PIP_TIMEOUT", "9".to_owned()),
        ];
        let machine = |variables: &[(&str, String)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), value.into()));
            Machine::new("/cache", variables.collect::<Vec<_>>())
        };
        let here = machine(&variables);
        let settings = PipSettings::read(&here);
        for (option, value) in [
            ("index-url", Some("https://h/user")),
            ("of-machine", Some("yes")),
            ("proxy", Some("http://named")),
            ("timeout", Some("9")),
            ("of-nobody", None),
        ] {
            assert_eq!(settings.value(option), value, "{option}");
        }
        assert!(settings.is_on("no-index"));
        variables[2].1 = "/dev/null".to_owned();
        let here = machine(&variables);
        assert_eq!(PipSettings::read(&here).value("index-url"), None);
    }
}
