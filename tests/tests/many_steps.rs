//! A pipeline of more steps than fit a line.

use alo_tests::{PlanText, TestEnv, asset};

#[test]
fn all_of_them_run_and_the_slowest_are_named_at_the_end() {
    let env = TestEnv::new();
    let names: Vec<String> = (0..30).map(|number| format!("step_{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    env.plan(PlanText::new().train(&names));
    let body = "self.data['count'] = self.data.get('count', 0) + 1\nprint('count', self.data['count'])";
    for name in names {
        env.write(
            &format!("assets/{name}/asset_{}.py", name.trim_end_matches(char::is_numeric)),
            asset(body),
        );
    }
    env.alo(["run"])
        .expect(0)
        .says("train: step_0 > … > step_29, 30 steps\n")
        .says("[30/30] step_29")
        .says("count 30\n")
        .says("(of 30 steps the slowest: step_");
}
