//! Decides on the groups of a pipeline's steps and on the packages of each.

use std::collections::HashMap;

use alo_plan::StepName;

use super::clash::{Clash, Split, forced_pins, pins};
use super::fewest::fewest;
use crate::SetupEvent;
use crate::environment::EnvironmentError;
use crate::lockfile::LockedGroup;
use crate::missing::{self, Missing};
use crate::requirements::{RequirementSet, abi};
use crate::resolution::{NoSolution, Resolved, Resolver};

/// What one step requires.
#[derive(Debug, Clone)]
pub(crate) struct StepNeeds {
    pub(crate) name: StepName,
    pub(crate) set: RequirementSet,
}

/// The environment of a group of steps.
pub(crate) struct Decided {
    /// The steps, as indexes.
    pub(crate) members: Vec<usize>,
    /// What its packages were resolved from.
    pub(crate) set: RequirementSet,
    pub(crate) resolved: Resolved,
    /// How the lock keeps it.
    pub(crate) locked: LockedGroup,
}

/// Why a pipeline has no environments.
#[derive(Debug)]
pub(crate) struct GroupingError {
    /// The step that cannot be served even alone.
    pub(crate) step: Option<StepName>,
    pub(crate) source: EnvironmentError,
}

impl From<EnvironmentError> for GroupingError {
    fn from(source: EnvironmentError) -> Self {
        Self { step: None, source }
    }
}

/// The question for one pipeline.
pub(crate) struct Grouping<'a> {
    pub(crate) resolver: &'a Resolver<'a>,
    /// The steps of the pipeline.
    pub(crate) steps: &'a [StepNeeds],
    /// What is added where it can be: the steps of train, for inference.
    pub(crate) carried: &'a [StepNeeds],
    pub(crate) abi_facts: bool,
}

/// What a set of steps comes to: packages, or the reason why not.
type Answer = Result<Resolved, String>;

/// The environments in the order of their first steps, and why there are several.
type Groups = (Vec<Decided>, Option<Split>);

impl Grouping<'_> {
    /// The groups in the order of their first steps, and why there are several.
    pub(crate) fn decide(&self, observer: &mut dyn FnMut(SetupEvent)) -> Result<Groups, GroupingError> {
        if let Some((groups, split)) = self.locked(observer)? {
            return Ok((groups, split));
        }
        let all: Vec<_> = (0..self.steps.len()).collect();
        if let Some(group) = self.with_carried(&all, observer)? {
            return Ok((vec![group], None));
        }
        let mut known = HashMap::new();
        let mut fits = |members: &[usize]| -> Result<bool, GroupingError> {
            self.answer(members, &mut known, observer).map(Result::is_ok)
        };
        let groups = if fits(&all)? { vec![all] } else { fewest(self.steps.len(), &mut fits)? };
        let split = self.explain(&groups, &mut known, observer)?;
        let mut decided = Vec::new();
        for (index, members) in groups.into_iter().enumerate() {
            let clash = split.as_ref().and_then(|split| split.clashes.get(index.checked_sub(1)?)).cloned();
            decided.push(self.group(members, clash, &mut known, observer)?);
        }
        Ok((decided, split))
    }

    /// The groups of the lock, if they are those of the plan and all of them still hold.
    fn locked(&self, observer: &mut dyn FnMut(SetupEvent)) -> Result<Option<Groups>, GroupingError> {
        let mut groups = Vec::new();
        let mut split = Split { groups: Vec::new(), clashes: Vec::new() };
        for known in self.resolver.locked_steps() {
            let index = |step: &String| self.steps.iter().position(|needs| needs.name.as_str() == step);
            let Some(members) = known.steps.iter().map(index).collect::<Option<Vec<_>>>() else {
                return Ok(None);
            };
            let set = self.together(&members);
            let Some(resolved) = self.resolver.kept(&set, &self.names(&members))? else {
                return Ok(None);
            };
            for (step, reason) in &known.left_out {
                observer(left_out(step, reason));
            }
            split.groups.push(known.steps.clone());
            split.clashes.extend(known.clash.clone());
            let mut locked = self.resolver.group(&resolved, &set, &self.names(&members));
            locked.members.clone_from(known);
            groups.push(Decided { members, set, resolved, locked });
        }
        let mut placed: Vec<_> = groups.iter().flat_map(|group| group.members.iter().copied()).collect();
        placed.sort_unstable();
        let is_whole = !groups.is_empty() && placed.iter().copied().eq(0..self.steps.len());
        let split = Some(split).filter(|split| split.groups.len() > 1);
        Ok(is_whole.then_some((groups, split)))
    }

    /// The group of these steps with all that is to be carried along, if that has a solution.
    fn with_carried(
        &self,
        members: &[usize],
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Option<Decided>, GroupingError> {
        if self.carried.is_empty() || self.direct(members).is_some() {
            return Ok(None);
        }
        let names = self.names(members);
        let set = self.together(members);
        let Ok(resolved) = self.resolver.resolve(&set, &names, observer)? else { return Ok(None) };
        self.tell_additions(members, observer);
        let locked = self.resolver.group(&resolved, &set, &names);
        Ok(Some(Decided { members: members.to_vec(), set, resolved, locked }))
    }

    /// The group of these steps, with as much carried along as it bears.
    fn group(
        &self,
        members: Vec<usize>,
        clash: Option<Clash>,
        known: &mut HashMap<Vec<usize>, Answer>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Decided, GroupingError> {
        let names = self.names(&members);
        let base = self.union(&members);
        let mut own = base.clone();
        let mut resolved = match known.remove(&members) {
            Some(Ok(resolved)) => resolved,
            _ => self.resolver.resolve_or_fail(&self.completed(own.clone()), &names, observer)?,
        };
        let mut left = Vec::new();
        for step in self.carried {
            // Two steps of train that exclude each other cannot both come along, whatever the group itself names.
            let mut more = own.clone();
            more.merge(&base.with_missing_of(&step.set));
            if more == own {
                continue;
            }
            match self.resolver.resolve(&self.completed(more.clone()), &names, observer)? {
                Ok(better) => (own, resolved) = (more, better),
                Err(none) => {
                    observer(left_out(step.name.as_str(), &none.reason));
                    left.push((step.name.to_string(), none.reason));
                }
            }
        }
        self.tell_additions(&members, observer);
        let set = self.completed(own);
        let mut locked = self.resolver.group(&resolved, &set, &names);
        // The lock is asked for what the steps and all that is to be carried come to, not for what was left.
        locked.members.digest = self.resolver.digest(&self.together(&members))?;
        locked.members.clash = clash;
        locked.members.left_out = left.into_iter().collect();
        Ok(Decided { members, set, resolved, locked })
    }

    /// Whether these steps have a solution together. A step that has none alone is an error.
    fn answer<'k>(
        &self,
        members: &[usize],
        known: &'k mut HashMap<Vec<usize>, Answer>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<&'k Answer, GroupingError> {
        if !known.contains_key(members) {
            let names = self.names(members);
            let set = self.completed(self.union(members));
            let mut none = None;
            let answer = if let [step] = names[..] {
                let alone = self.resolver.resolve_or_fail(&set, &names, observer);
                Ok(alone.map_err(|source| GroupingError {
                    step: source.unresolvable().map(|_| step.clone()),
                    source,
                })?)
            } else if let Some(clash) = self.direct(members) {
                Err(clash.to_string())
            } else {
                self.resolver
                    .resolve(&set, &names, observer)?
                    .map_err(|found| none.insert(found).reason.clone())
            };
            if let ([_, _, ..], Err(_)) = (members, &answer) {
                // A step at fault by itself is told before a clash is looked for, and is none to be remembered.
                for step in members {
                    self.answer(&[*step], known, observer)?;
                }
                none.iter().for_each(NoSolution::remember);
            }
            known.insert(members.to_vec(), answer);
        }
        Ok(known.entry(members.to_vec()).or_insert_with(|| Err(String::new())))
    }

    /// What keeps each group but the first from joining an earlier one.
    fn explain(
        &self,
        groups: &[Vec<usize>],
        known: &mut HashMap<Vec<usize>, Answer>,
        observer: &mut dyn FnMut(SetupEvent),
    ) -> Result<Option<Split>, GroupingError> {
        let Some(first) = groups.first().filter(|_| groups.len() > 1) else { return Ok(None) };
        let mut clashes = Vec::new();
        for group in groups.iter().skip(1) {
            // The pins tell it best; else the pair of steps that cannot live together; else the whole group.
            let mut pairs = first.iter().flat_map(|one| group.iter().map(move |other| (*one, *other)));
            let direct = pairs.clone().find_map(|(one, other)| {
                let (one, other) = (self.steps.get(one)?, self.steps.get(other)?);
                forced_pins(one, other).or_else(|| pins(one, other))
            });
            if let Some(clash) = direct {
                clashes.push(clash);
                continue;
            }
            let mut found = None;
            while let (None, Some((one, other))) = (&found, pairs.next()) {
                let mut pair = vec![one, other];
                pair.sort_unstable();
                if let Err(reason) = self.answer(&pair, known, observer)? {
                    found = Some((vec![one], other, Some(reason.clone())));
                }
            }
            let opener = group.first().copied().unwrap_or_default();
            let (others, step, reason) = found.unwrap_or_else(|| (first.clone(), opener, None));
            let others: Vec<_> = others.iter().filter_map(|index| self.steps.get(*index)).collect();
            if let Some(step) = self.steps.get(step) {
                clashes.push(Clash::between(&others, step, reason));
            }
        }
        let names = |group: &Vec<usize>| self.names(group).iter().map(ToString::to_string).collect();
        Ok(Some(Split { groups: groups.iter().map(names).collect(), clashes }))
    }

    fn direct(&self, members: &[usize]) -> Option<Clash> {
        let forced = self.union(members);
        let is_forced =
            |clash: &Clash| forced.iter().any(|item| item.overrides() && item.name == clash.package);
        let needs: Vec<_> = members.iter().filter_map(|index| self.steps.get(*index)).collect();
        needs.iter().enumerate().find_map(|(index, one)| {
            let mut others = needs.iter().skip(index + 1);
            others.find_map(|other| {
                forced_pins(one, other).or_else(|| pins(one, other).filter(|clash| !is_forced(clash)))
            })
        })
    }

    fn names(&self, members: &[usize]) -> Vec<&StepName> {
        members.iter().filter_map(|index| self.steps.get(*index)).map(|needs| &needs.name).collect()
    }

    /// What these steps require.
    fn union(&self, members: &[usize]) -> RequirementSet {
        let mut set = RequirementSet::default();
        for needs in members.iter().filter_map(|index| self.steps.get(*index)) {
            set.merge(&needs.set);
        }
        set
    }

    /// What these steps require, and what they do not name of that which is to be carried.
    fn together(&self, members: &[usize]) -> RequirementSet {
        let mut carried = RequirementSet::default();
        for step in self.carried {
            carried.merge(&step.set);
        }
        self.completed(self.union(members).with_missing_of(&carried))
    }

    pub(crate) fn completed(&self, mut set: RequirementSet) -> RequirementSet {
        if self.abi_facts {
            abi::complete(&mut set);
        }
        set
    }

    /// What the environment of a group lacks because of `error`, if no network may be used and one would help.
    pub(crate) fn lacking(&self, group: &Decided, error: &EnvironmentError) -> Option<Missing> {
        let steps = self.names(&group.members).into_iter().cloned().collect();
        let packages = group.resolved.resolution.packages().iter().map(ToString::to_string).collect();
        missing::packages(steps, packages, error).filter(|_| self.resolver.policy.offline)
    }

    fn tell_additions(&self, members: &[usize], observer: &mut dyn FnMut(SetupEvent)) {
        let mut carried = RequirementSet::default();
        for step in self.carried {
            carried.merge(&step.set);
        }
        let mut set = self.union(members).with_missing_of(&carried);
        if let Some(addition) = self.abi_facts.then(|| abi::complete(&mut set)).flatten() {
            observer(SetupEvent::RequirementAdded {
                requirement: addition.constraint.to_owned(),
                because: format!(
                    "`{}` was built for NumPy 1 and the plan does not say which NumPy it wants",
                    addition.because
                ),
            });
        }
    }
}

fn left_out(step: &str, reason: &str) -> SetupEvent {
    SetupEvent::Warning {
        message: format!(
            "the packages of the train pipeline's step `{step}` cannot be installed beside those of the inference pipeline, \
             which gets its own alone ({reason})"
        ),
    }
}
