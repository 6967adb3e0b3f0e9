// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The one moment that everything on a medium was made at, so that the same input gives the same bytes.

use jiff::Timestamp;

use crate::engine::tool::Run;
use crate::image::Image;

/// FAT knows no time before this: 1980-01-01.
const FIRST: i64 = 315_532_800;
/// A directory record of ISO 9660 has no year after 2155, FAT none after 2107.
const LAST: i64 = 4_354_819_199;

/// Seconds since 1970, within what media can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(i64);

impl Epoch {
    /// The moment that is so many seconds after 1970-01-01, or the nearest one that media can say.
    pub fn new(seconds: i64) -> Self {
        Self(seconds.clamp(FIRST, LAST))
    }

    /// When an image was made; the first of all moments if it does not say.
    pub fn of(image: &Image) -> Self {
        let created = image.created().and_then(|text| text.parse().ok());
        Self::new(created.map_or(FIRST, Timestamp::as_second))
    }

    /// A run of a program that takes this for the time (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
    pub(super) fn on(self, run: Run) -> Run {
        let variables = self.variables();
        variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value))
    }

    /// The environment variables that say so.
    pub(super) fn variables(self) -> [(&'static str, String); 2] {
        // FAT has local times.
        let zone = "UTC0".to_owned();
        [("SOURCE_DATE_EPOCH", self.0.to_string()), ("TZ", zone)]
    }

    /// As xorrisofs(1) takes dates of volumes: `YYYYMMDDhhmmsscc`.
    pub(super) fn volume_date(self) -> String {
        let time = Timestamp::from_second(self.0).unwrap_or_default();
        format!("{}00", time.strftime("%Y%m%d%H%M%S"))
    }

    /// As xorriso takes dates of files: `=SECONDS`.
    pub(super) fn file_date(self) -> String {
        format!("={}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_one_that_media_can_say() {
        assert_eq!(Epoch::new(0).volume_date(), "1980010100000000");
        assert_eq!(Epoch::new(1_793_491_200).volume_date(), "2026110100000000");
        assert_eq!(Epoch::new(i64::MAX).volume_date(), "2107123123595900");
        assert_eq!(Epoch::new(1_793_491_200).file_date(), "=1793491200");
    }
}
