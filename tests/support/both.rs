//! One story told with both Prismas.

/// One test for each Prisma. Behind `thorough_with_6` stand those that do not depend on Prisma's version: with Prisma 6 they are
/// run by `cargo nextest run --features fault-points --run-ignored only` alone.
macro_rules! on_both {
    ($($story:ident)* $(; thorough_with_6: $($seven:ident)*)?) => {
        $(mod $story {
            use crate::support::Prisma;
            #[test]
            fn prisma_7() {
                super::$story(Prisma::V7);
            }
            #[test]
            fn prisma_6() {
                super::$story(Prisma::V6);
            }
        })*
        $($(mod $seven {
            use crate::support::Prisma;
            #[test]
            fn prisma_7() {
                super::$seven(Prisma::V7);
            }
            #[test]
            #[ignore = "thorough: does not depend on Prisma's version"]
            fn prisma_6() {
                super::$seven(Prisma::V6);
            }
        })*)?
    };
}
pub(crate) use on_both;
