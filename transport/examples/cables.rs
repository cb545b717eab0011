//! Prints the Thunderbolt and USB4 cables of this machine and what to do about them: `cables [ROOT]`. On Windows `cables --all` prints all
//! network adapters first, for a cable that is not recognised.

use std::path::Path;

use pvgpu_transport::thunderbolt::{cables, survey};

fn main() -> std::io::Result<()> {
    let root = std::env::args().nth(1);
    #[cfg(windows)]
    let root = match root.as_deref() {
        Some("--all") => {
            println!("{:#?}", pvgpu_transport::thunderbolt::adapters::of_system()?);
            None
        }
        _ => root,
    };
    let survey = root.map_or_else(survey, |root| cables(Path::new(&root)))?;
    for cable in &survey.cables {
        println!("{cable:#?}");
    }
    for advice in survey.advice() {
        println!("{} {advice}", if advice.is_needed() { "needed:" } else { "better:" });
    }
    Ok(())
}
