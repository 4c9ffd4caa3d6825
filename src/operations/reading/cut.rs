//! Where tables are cut.

use crate::domain::unchanged::PageRange;
use crate::postgres::snapshot::TableSize;

/// Pages of the first segments of a table: 128 kB of heap. A changed row costs the next backup a segment where it was and
/// one where it is.
const FINEST: u64 = 16;
/// Pages of the last ones of a large table: 8 MB, so that they are few.
const COARSEST: u64 = 1024;
/// So many of each size, then twice the pages.
const OF_EACH_SIZE: usize = 128;

/// The segments of a table. A page is always in the same segment, however large the table grows: what was stored of it
/// once is never cut in another way. Where the long values of a page are beside it (TOAST), twice as many halve the pages.
pub(super) fn cut(size: TableSize) -> Vec<PageRange> {
    let weight = size.toast_pages.checked_div(size.pages).unwrap_or(0) + 1;
    let finer = weight.ilog2().min(FINEST.ilog2());
    let (mut ranges, mut first, mut pages) = (Vec::new(), 0, FINEST >> finer);
    while first < size.pages {
        ranges.push(PageRange { first, pages });
        first += pages;
        if ranges.len().is_multiple_of(OF_EACH_SIZE) {
            pages = (pages * 2).min(COARSEST >> finer);
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(pages: u64) -> Vec<u64> {
        cut(TableSize { pages, toast_pages: 0 }).iter().map(|range| range.first).collect()
    }

    #[test]
    fn a_table_that_grows_is_cut_where_it_was() {
        assert!(starts(0).is_empty());
        assert_eq!(starts(16), [0]);
        assert_eq!(starts(17), [0, 16]);
        let large = starts(1_000_000);
        for pages in [1, 100, 2047, 2048, 2049, 70_000, 999_999] {
            let starts = starts(pages);
            assert!(large.starts_with(&starts) && starts.last().is_some_and(|last| *last < pages), "{pages}");
        }
        // 8 GB, and what a terabyte has of them
        assert_eq!((large.len(), starts(131_072_000).len()), (1619, 128_642));
        let widths: Vec<u64> = large.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(widths.is_sorted() && widths.last() == Some(&1024));
    }

    #[test]
    fn ranges_follow_one_another_and_reach_the_end() {
        for (pages, toast_pages) in [(1, 0), (16, 100), (2049, 0), (70_000, 900_000)] {
            let ranges = cut(TableSize { pages, toast_pages });
            assert!(ranges.windows(2).all(|pair| pair[0].first + pair[0].pages == pair[1].first));
            let last = ranges.last().unwrap();
            assert!(last.first < pages && last.first + last.pages >= pages, "{pages}: {last:?}");
        }
    }

    #[test]
    fn long_values_make_it_finer() {
        let second = |toast_pages| cut(TableSize { pages: 100, toast_pages })[1].first;
        assert_eq!([0, 99, 100, 299, 300, 1499, 1500, 1_000_000].map(second), [16, 16, 8, 8, 4, 2, 1, 1]);
    }
}
