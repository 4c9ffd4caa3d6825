//! What takes the place of a migration that would drop.

/// A migration that keeps the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub sql: String,
    pub instead_of: Instead,
}

/// Of what it takes the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// What Prisma would draft, in its words.
    Draft(String),
    /// A pending migration that is still as Prisma drafted it.
    Migration(String),
}
