// SPDX-License-Identifier: Apache-2.0 OR MIT
//! SIGINT, SIGTERM and SIGHUP: the first asks the installation to end and ends the programs that it runs, the second ends all
//! at once. SIGHUP, which comes when the terminal goes away, is a SIGTERM by another name, unless it was to be ignored; a
//! second one says nothing new.

use std::thread;
use std::time::Duration;

use landfall_installer::engine::Stop;
use landfall_installer::engine::process::{self, Ending, Family};
use landfall_installer::exit::Exit;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use crate::terminal::{self, Problem};

/// How often is looked for signals and for programs that still run.
const INTERVAL: Duration = Duration::from_millis(50);

/// Listens from now on.
pub(crate) fn listen() -> Result<Stop, Problem> {
    let failed = |e| Problem::new(Exit::Refused, format!("catching signals: {e}"));
    let stop = Stop::of(Family::adopt()?);
    let caught = caught();
    for &signal in &caught {
        // At once: a program that the terminal has interrupted, too, may end before the thread wakes up.
        let meant = if signal == SIGINT { SIGINT } else { SIGTERM };
        let number = usize::try_from(meant).unwrap_or_default();
        flag::register_usize(signal, stop.signal(), number).map_err(failed)?;
    }
    let signals = Signals::new(&caught).map_err(failed)?;
    let watched = stop.clone();
    thread::spawn(move || serve(signals, &watched));
    Ok(stop)
}

fn caught() -> Vec<i32> {
    const HANGUP: u8 = 1;
    let mut caught = vec![SIGINT, SIGTERM];
    caught.extend((!process::ignores(HANGUP)).then_some(SIGHUP));
    caught
}

fn serve(mut signals: Signals, stop: &Stop) {
    let mut ending: Option<Ending> = None;
    loop {
        for signal in signals.pending() {
            if ending.is_some() {
                // A session that ends sends more than one SIGHUP: by its shell, and by the kernel.
                if signal == SIGHUP {
                    continue;
                }
                end_at_once(signal, stop.family());
            }
            terminal::say(if stop.is_sheltered() {
                "stopping when what must not be cut short is done; a second signal ends it at once, and may cost data"
            } else {
                "stopping; a second signal ends it at once"
            });
            ending = Some(Ending::default());
        }
        if let Some(ending) = &mut ending {
            ending.go_on(stop);
        }
        thread::sleep(INTERVAL);
    }
}

fn end_at_once(signal: i32, family: &Family) {
    family.kill_all();
    let exit = if signal == SIGINT {
        Exit::Interrupted
    } else {
        Exit::Terminated
    };
    std::process::exit(exit.code().into());
}
