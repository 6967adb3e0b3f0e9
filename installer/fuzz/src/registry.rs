// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Of the registry's modules, the one that reads what an administrator wrote.

#[path = "../../src/image/registry/routes.rs"]
mod routes;

use super::access::Access;
use super::{ImageError, RegistryRef};

/// Makes sure that a name has a place to be asked for, the last of them no mirror.
pub(crate) fn check_routes(name: &RegistryRef, access: &Access) -> Result<(), ImageError> {
    let routes = routes::routes(name, access)?;
    assert!(routes.last().is_some_and(|route| !route.mirror));
    assert!(routes.iter().rev().skip(1).all(|route| route.mirror));
    Ok(())
}
