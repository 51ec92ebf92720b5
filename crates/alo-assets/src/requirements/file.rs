//! The requirements of a step: the items of the plan, and the files they name.

use alo_plan::StepName;
use camino::{Utf8Path, Utf8PathBuf};

use super::error::RequirementError;
use super::item::{Item, parse};
use super::options::{Options, Word, words};
use super::origin::Origin;
use super::place::{Base, local_place};
use super::requirement::Requirement;

/// The item that means the asset's own file.
const OWN_FILE: &str = "requirements.txt";

/// Where relative paths of a step's requirements start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places<'a> {
    /// The folder of the asset's code, if it is there.
    pub(crate) code: Option<&'a Utf8Path>,
    pub(crate) project: &'a Utf8Path,
    /// What `~` stands for.
    pub(crate) home: Option<&'a Utf8Path>,
}

/// Reads what a step needs, in order; the item `requirements.txt` is replaced, in place, by the lines of that file.
///
/// Relative paths in the plan start at the asset's folder if they exist there, else at the project; those in a file start
/// at the file's folder.
pub(crate) fn of_step(
    step: &StepName,
    items: &[String],
    places: Places<'_>,
) -> Result<(Vec<Requirement>, Options), RequirementError> {
    let Places { code, project, home } = places;
    let mut reader =
        Reader { step, home, requirements: Vec::new(), options: Options::default(), open: Vec::new() };
    for item in items {
        let Some(text) = without_comment(item) else { continue };
        let origin = Origin { step: step.clone(), file: None };
        if text == OWN_FILE {
            if let Some(code) = code {
                reader.file(code.join(OWN_FILE), origin)?;
            }
            continue;
        }
        let base = code.filter(|code| names_file_in(text, code)).unwrap_or(project);
        reader.line(text, origin, base)?;
    }
    Ok((reader.requirements, reader.options))
}

/// The requirements of a file of constraints. What makes no sense there is for the installer to judge.
pub(super) fn read_constraints(path: &Utf8Path, step: &StepName) -> Vec<Requirement> {
    let text = fs_err::read(path).unwrap_or_default();
    let base = path.parent().unwrap_or(Utf8Path::new("/"));
    let lines = logical_lines(&String::from_utf8_lossy(&text));
    let read = lines.into_iter().filter_map(|(number, line)| {
        let origin = Origin { step: step.clone(), file: Some((path.to_owned(), number)) };
        match parse(
            without_comment(&line)?,
            origin,
            Base { folder: base, home: None },
            &mut Options::default(),
        )
        .ok()?
        {
            Item::Requirement(requirement) => Some(*requirement),
            Item::File(_) | Item::Options => None,
        }
    });
    read.collect()
}

/// Whether a relative path of the item exists below `folder`.
fn names_file_in(text: &str, folder: &Utf8Path) -> bool {
    let exists = |path: &str| !path.is_empty() && folder.join(path).exists();
    words(text).into_iter().any(|word| match word {
        Word::Option { value, .. } => value.is_some_and(|value| exists(&value)),
        Word::Plain(word) => exists(word.split(['[', ';']).next().unwrap_or(word)),
    }) || local_place(text, false).is_some_and(|place| exists(&place.path))
}

struct Reader<'a> {
    step: &'a StepName,
    home: Option<&'a Utf8Path>,
    requirements: Vec<Requirement>,
    options: Options,
    /// The files being read, from the outermost to the innermost.
    open: Vec<Utf8PathBuf>,
}

impl Reader<'_> {
    fn line(&mut self, text: &str, origin: Origin, base: &Utf8Path) -> Result<(), RequirementError> {
        let base = Base { folder: base, home: self.home };
        match parse(text, origin.clone(), base, &mut self.options)? {
            Item::Requirement(requirement) => self.requirements.push(*requirement),
            Item::File(path) => self.file(path, origin)?,
            Item::Options => {}
        }
        Ok(())
    }

    fn file(&mut self, path: Utf8PathBuf, origin: Origin) -> Result<(), RequirementError> {
        if !path.is_file() {
            return Err(RequirementError::Missing { path, origin });
        }
        if self.open.contains(&path) {
            return Err(RequirementError::Circle { path, origin });
        }
        let bytes =
            fs_err::read(&path).map_err(|source| RequirementError::Read { path: path.clone(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        let base = path.parent().unwrap_or(Utf8Path::new("/")).to_owned();
        self.open.push(path.clone());
        for (number, line) in logical_lines(text.trim_start_matches('\u{feff}')) {
            if let Some(line) = without_comment(&line) {
                let origin = Origin { step: self.step.clone(), file: Some((path.clone(), number)) };
                self.line(line, origin, &base)?;
            }
        }
        self.open.pop();
        Ok(())
    }
}

/// The lines with their numbers (from 1), those that end in a backslash joined with the next.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.lines().enumerate() {
        let (line, more) = line.strip_suffix('\\').map_or((line, false), |line| (line, true));
        match lines.last_mut() {
            Some((_, begun)) if goes_on => begun.push_str(line),
            _ => lines.push((number + 1, line.to_owned())),
        }
        goes_on = more;
    }
    lines
}

/// The text before a comment, as pip sees it: `#` at the start or after a blank. `None` if nothing is left.
fn without_comment(line: &str) -> Option<&str> {
    let mut end = line.len();
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            end = at;
            break;
        }
        before = c;
    }
    Some(line.get(..end)?.trim()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)], items: &[&str]) -> Result<Vec<String>, RequirementError> {
        let folder = tempfile::tempdir().unwrap();
        let code = Utf8Path::from_path(folder.path()).unwrap();
        for (name, text) in files {
            fs_err::create_dir_all(code.join(name).parent().unwrap()).unwrap();
            fs_err::write(code.join(name), text).unwrap();
        }
        let items: Vec<_> = items.iter().map(|&item| item.to_owned()).collect();
        let found = of_step(
            &StepName::new("train"),
            &items,
            Places { code: Some(code), project: "/project".into(), home: None },
        )?;
        Ok(found.0.into_iter().map(|requirement| requirement.text).collect())
    }

    #[test]
    fn the_asset_s_own_file_is_read_in_place() {
        let own = "\u{feff}# first\r\nb==2  # two\r\n\r\nc \\\r\n  ==3\n-r more/d.txt\n";
        let own = own.replace("\\\r\n", "\\\n");
        let found =
            read(&[("requirements.txt", &own), ("more/d.txt", "d")], &["a", "requirements.txt", "e#x"]);
        assert!(found.is_err(), "`e#x` has no comment");
        let found =
            read(&[("requirements.txt", &own), ("more/d.txt", "d")], &["a", "requirements.txt", "e #x"]);
        assert_eq!(found.unwrap(), ["a", "b==2", "c==3", "d", "e"]);
    }

    #[test]
    fn a_missing_file_a_circle_and_a_bad_line_name_their_place() {
        let message = |files: &[(&str, &str)]| read(files, &["requirements.txt"]).unwrap_err().to_string();
        assert!(message(&[]).contains("named in the requirements of step `train`"));
        assert!(message(&[("requirements.txt", "-r requirements.txt")]).contains("names itself"));
        assert!(message(&[("requirements.txt", "a\n\nb==")]).contains("requirements.txt:3"));
    }

    #[test]
    fn a_bad_line_is_shown_in_its_file_and_the_plan_shows_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let code = Utf8Path::from_path(folder.path()).unwrap();
        let shown = |text: &str| {
            fs_err::write(code.join("requirements.txt"), text).unwrap();
            let items = ["requirements.txt".to_owned()];
            let fault = of_step(
                &StepName::new("train"),
                &items,
                Places { code: Some(code), project: "/project".into(), home: None },
            );
            fault.unwrap_err().excerpt().unwrap().replace(code.as_str(), "F")
        };
        let pandas = "a\n  pandas=1.5.3  # old\nb\n";
        let expected = " --> F/requirements.txt:2:9\n  |\n2 |   pandas=1.5.3  # old\n  |         ^^^^^^";
        assert_eq!(shown(pandas), expected);
        assert!(shown("a --no-such\n").contains("  |   ^^^^^^^^^"), "{}", shown("a --no-such\n"));
        assert!(shown("-r more.txt\n").contains(":1:4"));
        let secret = "https://me:pass@host/a b";
        assert!(!shown(&format!("a\n-r {secret}.txt\n")).contains("pass"));
        let in_plan = read(&[], &["a="]).unwrap_err();
        assert_eq!(in_plan.excerpt(), None);
    }
}
