//! Which Prisma it is, and whether we know how it behaves.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;

/// A version as `package.json` writes it; `text` keeps what stands behind the numbers (`7.10.0-dev.3`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
    pub text: String,
}

impl Version {
    /// Reads `7.10.0`, `7.10.0-rc.1+build`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(|part| part.parse().ok());
        let (major, minor, patch) = (parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then(|| Self { major, minor, patch, text: text.to_owned() })
    }

    /// Prisma 7 and later: the URL stands in `prisma.config.*` alone and the CLI reads no `.env`.
    pub fn reads_config_only(&self) -> bool {
        self.major >= 7
    }

    /// # Errors
    /// `Tool` where the commands of this Prisma are not those that we guard.
    pub fn check(&self, install: &str) -> Result<()> {
        match self.major {
            0..=4 => Err(Error::new(
                ErrorKind::Tool,
                format!("Prisma {self} is too old: safemigrate guards Prisma 5, 6 and 7. Nothing was changed"),
            )
            .hint(format!("Upgrade: {install}"))),
            5..=7 => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Tool,
                format!(
                    "Prisma {self} has other migration commands than `migrate dev`, and safemigrate cannot guard them yet. \
                     Nothing was changed"
                ),
            )
            .hint(format!("Stay on Prisma 7, or put it beside the newer one as @prisma/prisma7: {install}"))),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        let version = Version::parse("7.10.0-dev.3").unwrap();
        assert_eq!((version.major, version.minor, version.patch), (7, 10, 0));
        assert_eq!(version.to_string(), "7.10.0-dev.3");
        for text in ["", "7", "7.1", "7.x.1", "^7.1.0", "7.1.0.2"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let check = |text: &str| Version::parse(text).unwrap().check("npm install --save-dev prisma@7");
        for known in ["5.22.0", "6.19.0", "7.10.0"] {
            assert!(check(known).is_ok(), "{known}");
        }
        for (unknown, word) in [("4.16.2", "too old"), ("8.0.0-rc.1", "other migration commands"), ("12.1.0", "other")]
        {
            let error = check(unknown).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Tool);
            assert!(error.message.contains(word), "{}", error.message);
        }
    }
}
