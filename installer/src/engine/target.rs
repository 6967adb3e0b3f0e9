// SPDX-License-Identifier: Apache-2.0 OR MIT
//! When the target half of the plan is made: ahead, of an image at hand, and in any case of what is on the target.
//!
//! What the plan said ahead is what is done: an image whose tree turns out to be another than its layers tell is not
//! installed. It deliberately does not decide what the plan says ([`crate::plan`]), or what the image's facts are.

use super::error::EngineError;
use super::facts;
use super::import::Progress;
use crate::image::Image;
use crate::plan::{ImageFacts, Issues, Plan, Planned, TargetPlan, plan_target, waits};
use kickstart_parser::Kickstart;

/// Makes the target half ahead, unless the image would have to be fetched for it. All of its layers are read.
pub(super) fn foresee(
    kickstart: &Kickstart,
    image: &Image,
    planned: &mut Planned,
    progress: Progress<'_>,
) -> Result<(), EngineError> {
    let plan = &mut planned.plan;
    if !plan.image.is_at_hand() {
        return Ok(());
    }
    let facts = facts::foresee(image, &plan.arch, progress)?;
    let (target, issues) = plan_target(kickstart, plan, &facts).map_err(EngineError::Plan)?;
    plan.waits = waits(kickstart, Some(&facts));
    plan.target = Some(target);
    planned.issues.0.extend(issues.0);
    Ok(())
}

/// Makes the target half for what is on the target; gives the warnings that were not told ahead.
pub(super) fn settle(
    kickstart: &Kickstart,
    plan: &mut Plan,
    facts: ImageFacts,
) -> Result<(TargetPlan, Issues), EngineError> {
    let (target, mut issues) = plan_target(kickstart, plan, &facts).map_err(EngineError::Plan)?;
    if let Some(foreseen) = plan.target.take() {
        let known = ImageFacts {
            locales: None,
            ..facts
        };
        let (again, told) = plan_target(kickstart, plan, &known).map_err(EngineError::Plan)?;
        if again != foreseen {
            return Err(EngineError::Unusable(
                "the image's tree is another one than its layers tell: it would not be installed as planned"
                    .to_owned(),
            ));
        }
        issues.0.retain(|issue| !told.0.contains(issue));
    }
    plan.target = Some(target.clone());
    plan.waits.clear();
    Ok((target, issues))
}
