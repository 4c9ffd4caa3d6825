//! What only a re-insert asks of the server: staging, casting, matching, foreign keys, sequences, all in one transaction.
//!
//! | file | does |
//! |---|---|
//! | `transaction` | begin, lock, search path, savepoints, which errors are a row's own fault |
//! | `types` | enums, domains, and what a type's name stands for today |
//! | `convert` | the SQL that makes a value of today's type of a backup's text |
//! | `stage` | temporary tables: the backup's text, the rows in today's types, the rows that do not fit |
//! | `recast` | from the one to the other: checked, mapped, cast, filled |
//! | `fills` | expressions over the new row, asked anew for each |
//! | `verdict` | the rows that do not fit, why, and what was rounded |
//! | `fit` | statements over ranges of rows, halved until the rows that do not fit are alone |
//! | `present` | rows that are already there: left, filled, or overwritten; keys that collide |
//! | `orphans` | rows that refer to nothing, and rows that refer to those |
//! | `aside` | triggers, rules, row-level security and foreign keys put aside and brought back |
//! | `indexes` | dropped for a load into an empty table, and built afterwards |
//! | `sequences` | made transactional, and moved forward |
//! | `views` | the materialized views that read what was changed |

pub mod aside;
pub mod convert;
pub mod fills;
pub mod fit;
pub mod indexes;
pub mod orphans;
pub mod present;
pub mod recast;
pub mod sequences;
pub mod stage;
pub mod transaction;
pub mod types;
pub mod verdict;
pub mod views;
