//! One item of a plan's requirements, or one line of a requirements file: a specifier with pip's options, or options alone.

use camino::Utf8PathBuf;

use super::error::RequirementError;
use super::hash::{check_digest, is_hash};
use super::options::{OptionFault, Options, Word, words};
use super::origin::Origin;
use super::place::{Base, percent_decoded};
use super::requirement::Requirement;
use super::specifier;

/// What a line turns out to be.
pub(super) enum Item {
    Requirement(Box<Requirement>),
    /// `-r FILE`
    File(Utf8PathBuf),
    /// Options that hold for the whole installation.
    Options,
}

/// Reads one item: no comment, no line break. Options for the whole installation go to `options`.
///
/// Relative paths start at `base`.
pub(super) fn parse(
    text: &str,
    origin: Origin,
    base: Base<'_>,
    options: &mut Options,
) -> Result<Item, RequirementError> {
    let mut requirement = String::new();
    let (mut tail, mut forced, mut editable) = (String::new(), false, false);
    let mut hashes = Vec::new();
    let mut index = None;
    for word in words(text) {
        match word {
            Word::Plain(word) => {
                if !requirement.is_empty() {
                    requirement.push(' ');
                }
                requirement.push_str(word);
            }
            Word::Option { name, value } => {
                let value_or_fault = || {
                    let reason = format!("`{name}` needs a value");
                    value.as_deref().ok_or_else(|| RequirementError::syntax(text, &origin, reason))
                };
                let file = || file_of_option(text, name, value_or_fault()?, &origin, base);
                match name {
                    "--force-reinstall" => forced = true,
                    "-r" | "--requirement" => return Ok(Item::File(file()?)),
                    "-e" | "--editable" => {
                        editable = true;
                        value_or_fault()?.clone_into(&mut requirement);
                    }
                    "-c" | "--constraint" => {
                        let path = file()?;
                        if !path.exists() {
                            return Err(RequirementError::Missing { path, origin });
                        }
                        options.constraints.push(path);
                    }
                    "-i" | "--index-url" | "--pypi-url" => index = Some(value_or_fault()?.to_owned()),
                    "--hash" => {
                        let written = value_or_fault()?;
                        let hash = written.replacen('=', ":", 1);
                        if !is_hash(&hash) {
                            let reason =
                                "a hash is `sha256:` and 64 digits from 0 to f (or `sha384:`, `sha512:`)";
                            return Err(RequirementError::syntax_at(
                                text,
                                written,
                                &origin,
                                reason.to_owned(),
                            ));
                        }
                        hashes.push(hash);
                    }
                    "--config-settings" | "--global-option" => {
                        let setting = value_or_fault()?;
                        let quote = if setting.contains(' ') { "\"" } else { "" };
                        tail.extend([" ", name, "=", quote, setting, quote]);
                    }
                    _ => options.read(name, value.as_deref(), base).map_err(|fault| match fault {
                        OptionFault::NoValue => {
                            RequirementError::syntax(text, &origin, format!("`{name}` needs a value"))
                        }
                        OptionFault::Unknown => {
                            RequirementError::Option { option: name.to_owned(), origin: origin.clone() }
                        }
                        OptionFault::Missing(path) => {
                            RequirementError::Missing { path, origin: origin.clone() }
                        }
                    })?,
                }
            }
        }
    }
    if let Some(index) = index {
        // Alone on its line it is the index; with a requirement it is one more place to look at for this environment.
        if requirement.is_empty() {
            options.set_index(index);
        } else {
            options.of_items.push((requirement.clone(), index.clone()));
            options.add_extra_index(index);
        }
    }
    if requirement.is_empty() {
        return Ok(Item::Options);
    }
    let mut found = specifier::parse(&requirement, editable, &origin, base)?;
    found.forced = forced;
    found.hashes.extend(hashes);
    found.text.push_str(&tail);
    check_digest(&found, &requirement)?;
    // Only folders can be used in place; the commit of a repository, as `pip freeze` writes it, is installed as ever.
    if editable && found.path.is_some() {
        found.text.insert_str(0, "-e ");
    }
    Ok(Item::Requirement(Box::new(found)))
}

/// The file of this machine that an option names.
fn file_of_option(
    text: &str,
    option: &str,
    file: &str,
    origin: &Origin,
    base: Base<'_>,
) -> Result<Utf8PathBuf, RequirementError> {
    match file.strip_prefix("file://") {
        Some(path) => Ok(base.join(&percent_decoded(path))),
        None if file.contains("://") => {
            let reason = format!(
                "`{option}` names a file of this machine, and this is an address: download it, and name that file"
            );
            Err(RequirementError::syntax_at(text, file, origin, reason))
        }
        None => Ok(base.join(file)),
    }
}

#[cfg(test)]
mod tests {
    use alo_plan::StepName;

    use super::*;

    fn read(text: &str) -> (Result<Item, RequirementError>, Options) {
        let mut options = Options::default();
        let origin = Origin { step: StepName::new("train"), file: None };
        (parse(text, origin, Base { folder: "/nowhere".into(), home: None }, &mut options), options)
    }

    fn requirement(text: &str) -> Requirement {
        match read(text).0 {
            Ok(Item::Requirement(found)) => *found,
            _ => panic!("`{text}` is no requirement"),
        }
    }

    #[test]
    fn what_is_behind_an_option_and_before_one_is_understood() {
        let zeros = "0".repeat(64);
        for (text, name, line) in [
            ("Scikit_Learn >= 1.3, <2", "scikit-learn", "scikit-learn>=1.3,<2"),
            (&*format!("a==1 --hash=sha256:{zeros}"), "a", "a==1"),
            ("-e git+https://h/r.git@abc#egg=x", "x", "git+https://h/r.git@abc#egg=x"),
        ] {
            let found = requirement(text);
            assert_eq!(found.name.as_deref(), Some(name), "{text}");
            assert_eq!(found.text, line, "{text}");
        }
    }

    #[test]
    fn a_folder_is_used_in_place_only_if_it_is_editable() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap();
        for (text, line) in [("-e .", format!("-e {root}")), (".", root.to_owned())] {
            let origin = Origin { step: StepName::new("train"), file: None };
            let base = Base { folder: root.into(), home: None };
            let Ok(Item::Requirement(found)) = parse(text, origin, base, &mut Options::default()) else {
                panic!("{text}")
            };
            assert_eq!(found.text, line);
        }
    }

    #[test]
    fn options_of_an_item_are_taken_off_it() {
        let found = requirement("numpy==1.25.2 --force-reinstall");
        assert!(found.forced && found.text == "numpy==1.25.2");
        let (zeros, ones) = ("0".repeat(64), "1".repeat(64));
        let two = requirement(&format!("a==1 --hash=sha256:{zeros} --hash sha256:{ones}"));
        assert_eq!(two.hashes, [format!("sha256:{zeros}"), format!("sha256:{ones}")]);
        let (_, options) = read("torch==2.0.0 --index-url https://h/cpu");
        assert_eq!(options.extra_indexes, ["https://h/cpu"]);
        assert_eq!(options.of_items, [("torch==2.0.0".to_owned(), "https://h/cpu".to_owned())]);
        let (_, options) = read("--index-url=https://h/simple");
        assert_eq!(options.index.as_deref(), Some("https://h/simple"));
    }

    #[test]
    fn faults_say_what_is_wrong_without_credentials() {
        let fault = |text: &str| {
            read(text).0.err().map(|error| (error.to_string(), error.hint().unwrap_or_default()))
        };
        let (message, hint) = fault("pandas=1.5.3").unwrap();
        assert!(
            message.contains("`pandas=1.5.3` in the requirements of step `train` in the plan"),
            "{message}"
        );
        assert_eq!(hint, "did you mean `pandas==1.5.3`?");
        assert!(fault("판다스==1").unwrap().0.contains("letter"));
        assert!(fault("./gone.whl").unwrap().0.contains("/nowhere/./gone.whl"));
        assert!(fault("a --install-option=x").unwrap().0.contains("`--install-option`"));
        assert!(!fault("a @ https://u:secret@h/ b c").unwrap_or_default().0.contains("secret"));
    }

    #[test]
    fn every_option_that_plans_may_have_is_known_here() {
        for option in alo_plan::check::LINE_OPTIONS.iter().chain(&alo_plan::check::ITEM_OPTIONS) {
            let fault = read(&format!("a {option} x")).0.err();
            assert!(!matches!(fault, Some(RequirementError::Option { .. })), "{option}");
        }
        let fault = read("a --no-deps").0.err().unwrap();
        assert!(fault.hint().unwrap().contains("leave it away"));
    }

    #[test]
    fn what_no_installer_takes_is_underlined_before_one_is_asked() {
        for (text, at_fault) in [
            ("a @ http://h/x y z", "y z"),
            ("https://h/a-1.whl y", "y"),
            ("a==1 --hash=sha256:zz", "sha256:zz"),
            ("a==1 --hash=foo", "foo"),
            ("-r https://h/r.txt", "https://h/r.txt"),
            ("-c https://h/c.txt", "https://h/c.txt"),
            ("a @ https://h/a.whl ; python_versio > '3'", "python_versio > '3'"),
        ] {
            match read(text).0.err() {
                Some(RequirementError::Syntax { text: shown, at, .. }) => {
                    assert_eq!(&shown[at], at_fault, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        let missing = read("--find-links wh").0.err().unwrap().to_string();
        assert_eq!(
            missing,
            "`/nowhere/wh`, named in the requirements of step `train` in the plan, does not exist"
        );
    }

    #[test]
    fn a_file_of_this_machine_has_the_digest_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("a-1.0-py3-none-any.whl");
        fs_err::write(&wheel, "").unwrap();
        let (wheel, wrong) = (wheel.to_str().unwrap(), "0".repeat(64));
        let right = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        for form in [
            "W --hash=sha256:D",
            "a @ file://W#sha256=D",
            "file://W#sha256=D",
            "a @ file://W --hash=sha256:D",
        ] {
            let form = form.replace('W', wheel);
            assert!(read(&form.replace('D', right)).0.is_ok(), "{form}");
            let fault = read(&form.replace('D', &wrong)).0.err().expect("another digest").to_string();
            assert!(fault.contains("has another digest") && fault.contains(right), "{fault}");
        }
    }

    #[test]
    fn no_text_makes_it_panic() {
        let alphabet: Vec<char> = "abz09.-_=<>!~;@[](),'\" #$%&{}/:\\+*|^\t한".chars().collect();
        let seeds = [
            "pandas==1.5.3",
            "a[b,c]>=1,<2 ; python_version < '3.9' and extra == 'x'",
            "a @ https://u:p@h/x.whl#sha256=1 ; os_name == 'y'",
            "a (>=1.0)",
            "a ~= 1.4.post2.dev3 --hash=sha256:0",
        ];
        let mut state = 0x1234_5678_9abc_def0_u64;
        let mut below = |limit: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % limit as u64).unwrap()
        };
        for round in 0..10_000 {
            let mut text: Vec<char> = seeds[round % seeds.len()].chars().collect();
            for _ in 0..=below(6) {
                let at = below(text.len());
                if below(2) == 0 {
                    text.insert(at, alphabet[below(alphabet.len())]);
                } else {
                    text[at] = alphabet[below(alphabet.len())];
                }
            }
            let text: String = text.into_iter().collect();
            if let Err(error) = read(&text).0 {
                assert!(!error.to_string().is_empty() && error.hint() != Some(String::new()));
            }
        }
    }
}
