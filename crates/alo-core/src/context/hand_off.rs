//! What steps hand to each other: `data` and `config`, and the rules for them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use alo_plan::Map;

use super::refusal::Refusal;

/// What one pipeline's steps have handed on so far. Each pipeline starts with an empty one.
#[derive(Default)]
pub(crate) struct HandOff {
    data_keys: Vec<String>,
    config_keys: Vec<String>,
    pub(crate) native: NativeHandOff,
}

/// The names of what steps have handed on.
#[derive(Debug, Clone)]
pub(super) struct HandedKeys {
    data: Vec<String>,
    config: Vec<String>,
}

/// The values that native steps hand on; a worker keeps those of Python steps.
#[derive(Default)]
pub(crate) struct NativeHandOff {
    pub(crate) data: BTreeMap<String, Box<dyn Any + Send>>,
    pub(crate) config: Map,
}

impl fmt::Debug for HandOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandOff")
            .field("data", &self.data_keys)
            .field("config", &self.config_keys)
            .finish_non_exhaustive()
    }
}

/// What a step's code offers to `save_data` or `save_config`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) type_name: String,
    pub(crate) is_dict: bool,
    pub(crate) keys: Vec<String>,
}

/// What the running step has saved.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Saved {
    data: bool,
    config: bool,
}

impl HandOff {
    /// The names of what was handed on, without the values.
    pub(super) fn into_keys(self) -> HandedKeys {
        HandedKeys { data: self.data_keys, config: self.config_keys }
    }

    /// Values that a worker holds.
    pub(super) fn of_worker(keys: HandedKeys) -> Self {
        Self { data_keys: keys.data, config_keys: keys.config, native: NativeHandOff::default() }
    }

    /// The keys of `data` and of `config`.
    pub(crate) fn keys(&self) -> (&[String], &[String]) {
        (&self.data_keys, &self.config_keys)
    }

    /// Puts the keys back that a step has left.
    pub(crate) fn put_back(&mut self, data_keys: Vec<String>, config_keys: Vec<String>) {
        self.data_keys = data_keys;
        self.config_keys = config_keys;
    }

    /// The keys of `data` that contain `part`; with an empty `part` all of them.
    pub(super) fn load_data(&self, part: &str) -> Result<Vec<String>, Refusal> {
        if part.is_empty() {
            return Ok(self.data_keys.clone());
        }
        let keys: Vec<String> = self.data_keys.iter().filter(|key| key.contains(part)).cloned().collect();
        if keys.is_empty() {
            return Err(Refusal::value(format!(
                "no key of the data contains `{part}`; {}",
                listed("the keys are", &self.data_keys)
            )));
        }
        Ok(keys)
    }

    /// Takes the data of a step. Tells whether it is to be wrapped: kept as `{'dataframe': value}`.
    pub(super) fn save_data(&mut self, saved: &mut Saved, mut offer: Offer) -> Result<bool, Refusal> {
        if saved.data {
            return Err(Refusal::contract(
                "save_data was called a second time; call it exactly once in a step",
            ));
        }
        let wrap = !offer.is_dict;
        if wrap {
            offer.keys = vec!["dataframe".to_owned()];
        }
        keeps("save_data", &self.data_keys, &offer.keys)?;
        self.data_keys = offer.keys;
        saved.data = true;
        Ok(wrap)
    }

    /// Takes the config of a step.
    pub(super) fn save_config(&mut self, saved: &mut Saved, offer: Offer) -> Result<(), Refusal> {
        if saved.config {
            return Err(Refusal::contract(
                "save_config was called a second time; call it exactly once in a step",
            ));
        }
        if !offer.is_dict {
            return Err(Refusal::type_of(format!("save_config takes a dict, not {}", offer.type_name)));
        }
        keeps("save_config", &self.config_keys, &offer.keys)?;
        self.config_keys = offer.keys.into_iter().filter(|key| key != "meta").collect();
        saved.config = true;
        Ok(())
    }
}

impl Saved {
    /// Checks at the end of a step that both were saved.
    pub(super) fn check(self) -> Result<(), Refusal> {
        let missing = match (self.data, self.config) {
            (true, true) => return Ok(()),
            (false, true) => "save_data",
            (true, false) => "save_config",
            (false, false) => "save_data and save_config",
        };
        Err(Refusal::contract(format!(
            "run() ended without a call of {missing}; \
             call self.asset.save_data(dict) and self.asset.save_config(dict) exactly once each"
        )))
    }
}

/// Refuses to lose keys that an earlier step put there.
fn keeps(call: &str, before: &[String], now: &[String]) -> Result<(), Refusal> {
    let gone: Vec<String> = before.iter().filter(|key| !now.contains(key)).cloned().collect();
    if gone.is_empty() {
        return Ok(());
    }
    Err(Refusal::contract(format!(
        "{call} would lose {} that an earlier step handed on; a step may change values and add keys, not delete them",
        listed(if gone.len() == 1 { "the key" } else { "the keys" }, &gone)
    )))
}

fn listed(label: &str, keys: &[String]) -> String {
    if keys.is_empty() {
        return "there are none".to_owned();
    }
    format!("{label} {}", keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dict(keys: &[&str]) -> Offer {
        Offer {
            type_name: "dict".into(),
            is_dict: true,
            keys: keys.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn keys_stay_once_they_are_there() {
        let mut hand_off = HandOff::default();
        hand_off.save_data(&mut Saved::default(), dict(&["a", "b"])).unwrap();
        let refusal = hand_off.save_data(&mut Saved::default(), dict(&["b", "c"])).unwrap_err();
        assert!(refusal.message.contains("would lose the key `a`"), "{refusal}");
        assert_eq!(hand_off.load_data("").unwrap(), ["a", "b"]);
    }

    #[test]
    fn the_engines_own_meta_may_go() {
        let mut hand_off = HandOff::default();
        hand_off.save_config(&mut Saved::default(), dict(&["meta", "x"])).unwrap();
        hand_off.save_config(&mut Saved::default(), dict(&["x"])).unwrap();
    }

    #[test]
    fn what_is_no_dict_becomes_the_dataframe() {
        let mut hand_off = HandOff::default();
        let frame = Offer { type_name: "DataFrame".into(), ..Offer::default() };
        assert!(hand_off.save_data(&mut Saved::default(), frame).unwrap());
        assert_eq!(hand_off.load_data("frame").unwrap(), ["dataframe"]);
        assert!(hand_off.load_data("x").unwrap_err().message.contains("the keys are `dataframe`"));
    }

    #[test]
    fn each_is_saved_exactly_once() {
        let (mut hand_off, mut saved) = (HandOff::default(), Saved::default());
        assert!(saved.check().unwrap_err().message.contains("without a call of save_data and save_config"));
        hand_off.save_data(&mut saved, dict(&[])).unwrap();
        assert!(hand_off.save_data(&mut saved, dict(&[])).is_err());
        assert!(saved.check().unwrap_err().message.contains("without a call of save_config"));
        hand_off.save_config(&mut saved, dict(&[])).unwrap();
        assert_eq!(saved.check(), Ok(()));
    }
}
