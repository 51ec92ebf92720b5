//! Several faults at once: all of them, in order, once each, and nothing that only follows from them.

use alo_plan::{Severity, load_str};

const TEN_FAULTS: &str = r#"name: orders
externel_path:
  - load_train_data_path: data/
external_path:
  - load_train_data_path: ""
user_parameters:
  - train_pipeline:
      - step: input
        args: 3
      - step: train
        args:
          - depth: 3
          - width: 4
        ui_args: [detph]
      - step: test
asset_source:
  - train_pipeline:
      - step: input
        source: {code: hhttps://host/input.git}
      - step: train
        source:
          code: local
          requirements: [pandas=1.5.3]
control:
  - get_asset_source: onse
  - backup_log: "yes"
  - until: 2022-02-30
"#;

#[test]
fn ten_faults_are_all_shown_in_order_once_each() {
    let loaded = load_str(TEN_FAULTS, "plan.yaml".into());
    let found: Vec<_> =
        loaded.diagnostics.iter().map(|fault| (fault.span.unwrap().start.line, fault.code.name())).collect();
    assert_eq!(
        found,
        [
            (2, "unknown-section"),
            (5, "bad-path"),
            (9, "wrong-type"),
            (12, "split-args"),
            (14, "ui-arg-unknown"),
            (15, "step-without-source"),
            (19, "bad-git-url"),
            (23, "bad-requirement"),
            (25, "wrong-value"),
            (26, "wrong-type"),
            (27, "unknown-key"),
            (27, "bad-scalar"),
        ]
    );
}

#[test]
fn a_plan_of_alo_3_has_one_fault_whatever_else_is_in_it() {
    let text =
        "name: x\nname: y\ncontrol:\n  backup: {type: count}\nsolution:\n  train:\n    uri: !Env ${HOME}\n";
    let loaded = load_str(text, "plan.yaml".into());
    assert_eq!(loaded.diagnostics.len(), 1);
    assert_eq!(loaded.diagnostics[0].code.name(), "alo3-plan");
    assert_eq!(loaded.dialect.unwrap().as_str(), "3");
}

#[test]
fn a_section_that_lacks_a_pipeline_is_one_fault() {
    let text =
        "user_parameters:\n- train_pipeline:\n  - step: a\n  - step: b\nasset_source:\n- train_pipeline:\n";
    let loaded = load_str(text, "plan.yaml".into());
    let codes: Vec<_> = loaded.diagnostics.iter().map(|fault| fault.code.name()).collect();
    assert_eq!(codes, ["step-without-source"]);
}

#[test]
fn notes_and_warnings_leave_a_plan_valid() {
    let loaded = load_str("control:\n- check_asset_source: once\n- nonsense: 1\n", "plan.yaml".into());
    assert!(loaded.is_valid());
    assert!(loaded.has_warnings());
    assert!(loaded.diagnostics.iter().any(|fault| fault.severity == Severity::Note));
    assert!(!alo_plan::report::PlanReport::strict(&loaded).valid);
}

#[test]
fn no_secret_of_a_url_is_shown() {
    let text =
        "asset_source:\n- train_pipeline:\n  - step: a\n    source: {code: 'hhttps://me:s3cr3t@host/a'}\n";
    let loaded = load_str(text, "plan.yaml".into());
    let shown = format!(
        "{}{}{}",
        alo_plan::render::render(&loaded, true),
        alo_plan::report::github(&loaded),
        serde_json::to_string(&alo_plan::report::PlanReport::new(&loaded)).unwrap()
    );
    assert!(shown.contains("bad-git-url"), "{shown}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

/// Texts on which the fuzzer made an earlier version panic.
#[test]
fn finds_of_the_fuzzer_are_answered() {
    let long = "a".repeat(1100);
    for text in [
        // A line break of YAML that is none to Rust, inside brackets that are left.
        format!("{{{long}:/ x\u{85}y: 1;;a 1}}"),
        // A name of a package with a sign at its end and more text behind it.
        "asset_source:\n- train_pipeline:\n  - step: a\n    source:\n      requirements: [scikit-learn../x]\n".to_owned(),
    ] {
        let loaded = load_str(&text, "plan.yaml".into());
        assert!(!loaded.is_valid());
        assert!(!alo_plan::render::render(&loaded, false).is_empty());
    }
}
