//! Inputs that once made a fuzz target fail, from `fuzz/regressions/<target>/`.

mod support;

use std::fs;
use std::path::Path;

use support::checks::check;

#[test]
fn committed_crash_inputs_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/regressions");
    let mut inputs = 0;
    for target in fs::read_dir(&folder).expect("the repository is whole").map(Result::unwrap) {
        for input in fs::read_dir(target.path()).expect("a folder for each target").map(Result::unwrap) {
            println!("{}", input.path().display());
            let name = target.file_name().into_string().expect("targets have plain names");
            check(&name, &fs::read(input.path()).expect("it can be read"));
            inputs += 1;
        }
    }
    assert!(inputs > 0);
}
