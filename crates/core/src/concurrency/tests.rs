use super::*;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// A service behind a line, as a model: an answer begins after a time that varies by a part of itself, and
/// the bytes of all transfers share what the line carries.
#[derive(Debug, Clone, Copy)]
struct Service {
    latency: f64,
    /// How much an answer's time varies.
    varies: f64,
    bytes_per_second: f64,
    /// With more than so many at one time, what is begun fails.
    most: usize,
    /// Processor time for each file, one after the other.
    each: f64,
    /// The part that fails whatever is done.
    fails: f64,
}

const IDEAL: Service =
    Service { latency: 0.0, varies: 0.0, bytes_per_second: 1e9, most: usize::MAX, each: 0.0, fails: 0.0 };

struct Travelling {
    began: Began,
    begins_at: f64,
    left: f64,
    is_refused: bool,
}

#[derive(Debug, Clone, Copy)]
struct Run {
    seconds: f64,
    refused: usize,
    /// In use at the end.
    limit: usize,
}

/// Numbers from nothing to one, always the same.
struct Chance(u64);

impl Chance {
    #[expect(clippy::cast_precision_loss, reason = "the upper bits suffice")]
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1_u64 << 24) as f64
    }
}

/// Carries so many files of one size.
#[expect(clippy::cast_precision_loss, reason = "sizes and numbers are small")]
fn carry(service: Service, mut concurrency: Concurrency, files: usize, size: u64) -> Run {
    let (mut now, mut waiting, mut refused) = (0.0, files, 0);
    let mut travelling: Vec<Travelling> = Vec::new();
    let mut chance = Chance(1);
    let mut free_at: f64 = 0.0;
    loop {
        while waiting > 0 && travelling.len() < concurrency.limit(size) {
            waiting -= 1;
            let began = concurrency.began(Duration::from_secs_f64(now));
            let part = chance.next();
            free_at = free_at.max(now) + service.each;
            let begins_at = free_at + service.latency * (1.0 + service.varies * (part * 2.0 - 1.0));
            let fails = chance.next() < service.fails;
            let is_refused = fails || travelling.len() >= service.most;
            let left = if is_refused { 0.0 } else { size as f64 };
            travelling.push(Travelling { began, begins_at, left, is_refused });
        }
        if travelling.is_empty() {
            return Run { seconds: now, refused, limit: concurrency.limit(size) };
        }
        let moving = travelling.iter().filter(|one| one.begins_at <= now).count();
        let share = service.bytes_per_second / moving.max(1) as f64;
        let next = travelling
            .iter()
            .map(|one| if one.begins_at > now { one.begins_at } else { now + one.left / share })
            .fold(f64::INFINITY, f64::min);
        for one in travelling.iter_mut().filter(|one| one.begins_at <= now) {
            one.left -= (next - now) * share;
        }
        now = next;
        let mut at = 0;
        while at < travelling.len() {
            if travelling[at].begins_at <= now && travelling[at].left < 1e-3 {
                let one = travelling.remove(at);
                let ending = if one.is_refused { Ending::Failed } else { Ending::Done };
                concurrency.ended(one.began, size, ending, Duration::from_secs_f64(now));
                refused += usize::from(one.is_refused);
                waiting += usize::from(one.is_refused);
            } else {
                at += 1;
            }
        }
    }
}

fn auto() -> Concurrency {
    Concurrency::new(Parallel::Auto)
}

/// The best of the fixed numbers that a file of this size may have.
fn best(service: Service, files: usize, size: u64) -> (usize, Run) {
    let most = if size < SMALL { 32 } else { MOST };
    let runs = [1, 2, 4, 8, 16, 32].into_iter().filter(|limit| *limit <= most);
    let runs =
        runs.map(|limit| (limit, carry(service, Concurrency::new(Parallel::Fixed(limit)), files, size)));
    runs.min_by(|(_, one), (_, two)| one.seconds.total_cmp(&two.seconds)).unwrap()
}

#[test]
fn it_is_as_good_as_the_best_fixed_number() {
    let mut wrong = Vec::new();
    for milliseconds in [0_u32, 20, 100, 300] {
        for megabytes in [1_u32, 10, 100] {
            for (files, size) in [(5000, 4 * KIB), (500, MIB), (40, 100 * MIB)] {
                for (varies, each) in [(0.0, 0.0), (0.3, 0.0), (0.3, 0.001)] {
                    let service = Service {
                        latency: f64::from(milliseconds) / 1000.0,
                        varies,
                        bytes_per_second: f64::from(megabytes) * 1e6,
                        each,
                        ..IDEAL
                    };
                    let (limit, best) = best(service, files, size);
                    let run = carry(service, auto(), files, size);
                    let line = format!(
                        "{milliseconds} ms, {megabytes} MB/s, {files} x {size}, {varies}, {each}: {:.2} s, ends at {}; \
                         at best {limit}: {:.2} s, {:+.1} %",
                        run.seconds,
                        run.limit,
                        best.seconds,
                        (run.seconds / best.seconds - 1.0) * 100.0
                    );
                    println!("{line}");
                    if run.seconds > best.seconds * 1.15 {
                        wrong.push(line);
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn it_stays_below_what_the_service_takes() {
    let mut wrong = Vec::new();
    for most in [2, 3, 6, 12, 20, 30] {
        for latency in [0.02, 0.3] {
            let service = Service { latency, varies: 0.3, bytes_per_second: 1e8, most, ..IDEAL };
            let files = 5000;
            let fits = carry(service, Concurrency::new(Parallel::Fixed(most)), files, 4 * KIB);
            let run = carry(service, auto(), files, 4 * KIB);
            let line = format!(
                "at most {most}, {latency} s: {:.2} s against {:.2} s, {} refused",
                run.seconds, fits.seconds, run.refused
            );
            println!("{line}");
            // It knows halves and doubles only, and so may use half of what there is.
            if run.seconds > fits.seconds * 2.1 || run.refused * 50 > files {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn failures_that_have_nothing_to_do_with_it_do_not_bring_it_to_rest() {
    for (fails, most) in [(0.0001, 1.2), (0.001, 1.5), (0.01, 12.0)] {
        let service = Service { latency: 0.02, varies: 0.3, fails, ..IDEAL };
        let fixed = carry(service, Concurrency::new(Parallel::Fixed(32)), 10_000, 4 * KIB);
        let run = carry(service, auto(), 10_000, 4 * KIB);
        println!("fails {fails}: {:.2} s against {:.2} s at best", run.seconds, fixed.seconds);
        assert!(run.seconds < fixed.seconds * most, "{fails}: {run:?} {fixed:?}");
    }
}

#[test]
fn where_more_at_one_time_is_no_faster_fewer_are() {
    let service = Service { bytes_per_second: 1e6, latency: 0.001, varies: 0.3, ..IDEAL };
    let run = carry(service, auto(), 500, MIB);
    assert!(run.limit <= 2, "{run:?}");
}

#[test]
fn a_limit_that_is_not_made_use_of_does_not_rise_and_one_that_was_falls_back() {
    let mut concurrency = auto();
    let mut now = Duration::ZERO;
    let mut one_after_the_other = |concurrency: &mut Concurrency, files: usize| {
        for _ in 0..files {
            let began = concurrency.began(now);
            now += Duration::from_millis(20);
            concurrency.ended(began, 4 * KIB, Ending::Done, now);
        }
    };
    one_after_the_other(&mut concurrency, 1000);
    assert_eq!(concurrency.limit(0), 4);
    if let Way::Adaptive(adaptive) = &mut concurrency.0 {
        adaptive.level = LIMITS.len() - 1;
    }
    one_after_the_other(&mut concurrency, 1000);
    assert_eq!(concurrency.limit(0), 4);
}

#[test]
fn failures_of_what_was_begun_before_a_decrease_decrease_it_no_more() {
    let mut concurrency = auto();
    let began: Vec<_> = (0..4).map(|_| concurrency.began(Duration::ZERO)).collect();
    for one in began {
        concurrency.ended(one, 0, Ending::Failed, Duration::from_secs(1));
        concurrency.turned_away(Duration::from_secs(1));
    }
    assert_eq!(concurrency.limit(0), 2);
    let one = concurrency.began(Duration::from_secs(2));
    concurrency.ended(one, 0, Ending::Failed, Duration::from_secs(3));
    assert_eq!(concurrency.limit(0), 2, "there is always room beside one that does not end");
}

#[test]
fn files_that_are_not_small_have_no_more_than_sixteen() {
    for (limit, bytes, expected) in [(4, 0, 32), (4, SMALL - 1, 32), (4, SMALL, 16), (1, SMALL, 4)] {
        let mut adaptive = Adaptive::new();
        adaptive.level = limit;
        assert_eq!(adaptive.limit(bytes), expected, "{limit} {bytes}");
    }
}
