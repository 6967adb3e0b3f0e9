// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Files by which the installed system is to reach its registry: read here, and refused if they are of no use.
//!
//! Takes their paths on this machine; gives their content for the plan. Where they go is the plan's business.

use std::path::{Path, PathBuf};

use kickstart_parser::Secret;

use super::ImageError;
use super::registry::{check_authfile, check_certificates, check_registries_conf};
use crate::plan::TargetAccess;

/// What the installed system is to be given; nothing of it by default.
#[derive(Debug, Clone, Default)]
pub struct TargetAccessFiles {
    /// Logins, containers-auth.json(5).
    pub authfile: Option<PathBuf>,
    /// Mirrors and the like, containers-registries.conf(5), version 2.
    pub registries_conf: Option<PathBuf>,
    /// Certificates of authorities, in PEM.
    pub ca: Option<PathBuf>,
}

impl TargetAccessFiles {
    /// The content of the files.
    ///
    /// # Errors
    /// [`ImageError::Configuration`] for a file that is not there, or not what it should be.
    pub fn read(&self) -> Result<TargetAccess, ImageError> {
        Ok(TargetAccess {
            authfile: content(self.authfile.as_deref(), check_authfile)?,
            registries_conf: content(self.registries_conf.as_deref(), check_registries_conf)?,
            ca: content(self.ca.as_deref(), check_certificates)?,
        })
    }
}

type Check = fn(&Path) -> Result<Vec<u8>, ImageError>;

fn content(file: Option<&Path>, check: Check) -> Result<Option<Secret>, ImageError> {
    let Some(file) = file else {
        return Ok(None);
    };
    let text = String::from_utf8(check(file)?)
        .map_err(|_| ImageError::configuration(file, "it is not UTF-8"))?;
    Ok(Some(Secret::new(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn useless_files_are_refused_and_others_kept_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        let read = |which: fn(&mut TargetAccessFiles) -> &mut Option<PathBuf>| {
            let mut files = TargetAccessFiles::default();
            *which(&mut files) = Some(file.clone());
            files.read().map_err(|error| error.to_string())
        };
        assert!(
            read(|f| &mut f.authfile)
                .unwrap_err()
                .ends_with("there is no such file")
        );
        let logins = " {\"auths\": {\"r.test\": {\"auth\": \"dTpw\"}}}\n";
        write(logins);
        let access = read(|f| &mut f.authfile).unwrap();
        assert_eq!(access.authfile.unwrap().expose(), logins);
        assert!(access.ca.is_none() && access.registries_conf.is_none());
        assert!(
            read(|f| &mut f.ca)
                .unwrap_err()
                .contains("no certificate in PEM")
        );
        assert!(
            read(|f| &mut f.registries_conf)
                .unwrap_err()
                .contains("line 1, column ")
        );
        write("[[registry]]\nlocation = \"r.test\"\n");
        assert!(read(|f| &mut f.registries_conf).is_ok());
        let error = read(|f| &mut f.authfile).unwrap_err();
        assert!(
            error.contains("is not JSON as in") && !error.contains("r.test"),
            "{error}"
        );
    }
}
