// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SIGINT and SIGTERM: the first asks the installation to end and ends the programs that it runs, the second ends all at once.

use std::thread;
use std::time::Duration;

use landfall_installer::engine::Stop;
use landfall_installer::engine::process::{Ending, Family};
use landfall_installer::exit::Exit;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::terminal::{self, Problem};

/// How often is looked for signals and for programs that still run.
const INTERVAL: Duration = Duration::from_millis(50);

/// Listens from now on.
pub(crate) fn listen() -> Result<Stop, Problem> {
    let failed = |e| Problem::new(Exit::Refused, format!("catching signals: {e}"));
    let stop = Stop::of(Family::adopt()?);
    for signal in [SIGINT, SIGTERM] {
        // At once: a program that the terminal has interrupted, too, may end before the thread wakes up.
        let number = usize::try_from(signal).unwrap_or_default();
        flag::register_usize(signal, stop.signal(), number).map_err(failed)?;
    }
    let signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let watched = stop.clone();
    thread::spawn(move || serve(signals, &watched));
    Ok(stop)
}

fn serve(mut signals: Signals, stop: &Stop) {
    let mut ending: Option<Ending> = None;
    loop {
        for signal in signals.pending() {
            if ending.is_some() {
                end_at_once(signal, stop.family());
            }
            let mut first = Ending::default();
            terminal::say(if first.go_on(stop) {
                "stopping; a second signal ends it at once"
            } else {
                "stopping when what must not be cut short is done; a second signal ends it at once, and may cost data"
            });
            ending = Some(first);
        }
        if let Some(ending) = &mut ending {
            ending.go_on(stop);
        }
        thread::sleep(INTERVAL);
    }
}

fn end_at_once(signal: i32, family: &Family) {
    family.kill_all();
    let exit = if signal == SIGTERM {
        Exit::Terminated
    } else {
        Exit::Interrupted
    };
    std::process::exit(exit.code().into());
}
