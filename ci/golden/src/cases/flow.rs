//! Flow control, indexed registers, discarded pixels, derivatives.

use super::common::*;
use crate::kit::expected::random;
use crate::kit::*;

cases![
    counted_loop => |t| numbers(t, shader!("flow.counted_loop"), |a| (0..a % 20).map(|n| n * n).sum()),
    unrolled_loop => |t| numbers(t, shader!("flow.unrolled_loop"), |a| {
        (0..7).fold(a, |sum, n| sum.wrapping_mul(31).wrapping_add(n))
    }),
    endless_loop => |t| numbers(t, shader!("flow.endless_loop"), collatz),
    continued_loop => |t| numbers(t, shader!("flow.continued_loop"), |a| (0..30).filter(|n| (n + a) % 3 != 0).sum()),
    nested_loops => |t| numbers(t, shader!("flow.nested_loops"), |a| {
        (0..a % 8).flat_map(|n| (n..9).take_while(move |m| m * n <= a % 17)).map(|m| m + 1).sum()
    }),
    loop_at_end => |t| numbers(t, shader!("flow.loop_at_end"), |a| (32 - a.leading_zeros()).max(1)),
    branches => |t| numbers(t, shader!("flow.branches"), |a| match a % 4 {
        0 => a / 4,
        2 => a * 5,
        _ => a + 1000,
    }),
    flattened => |t| numbers(t, shader!("flow.flattened"), |a| if a % 3 == 1 { a } else { 7 }),
    switched => |t| numbers(t, shader!("flow.switched"), |a| match a % 7 {
        0 => 11,
        1 | 2 => a * 2,
        5 => a + 5,
        _ => 99,
    }),
    switch_in_loop => |t| numbers(t, shader!("flow.switch_in_loop"), switch_in_loop),
    called => |t| numbers(t, shader!("flow.called"), |a| 4 + match a % 4 {
        0 => a + 1,
        1 => a * 3,
        2 => a ^ 0x55,
        _ => a / 2,
    }),
    early_return => |t| numbers(t, shader!("flow.early_return"), |a| {
        if a % 5 == 0 { 1 } else { (2..40).find(|n| a % n == 0).unwrap_or(0) }
    }),
    indexed_registers => |t| numbers(t, shader!("flow.indexed_registers"), |a| {
        let mut numbers: [u32; 8] = std::array::from_fn(|n| a + (n * n) as u32);
        let place = |number: u32| (number % 8) as usize;
        numbers[place(a)] = 5;
        numbers[place(a >> 3)] += 100;
        numbers[place(a >> 6)] + numbers[place(a >> 1)] * 7
    }),
    immediate_table => |t| numbers(t, shader!("flow.immediate_table"), |a| {
        let table = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8];
        table[a as usize % 12] * 100 + table[a as usize / 12 % 12]
    }),
    discarded, clipped, derivatives, fine_derivatives, coarse_derivatives, derivative_in_branch,
];

fn numbers(t: &mut Test<'_>, cs: Code, expected: fn(u32) -> u32) -> Result<()> {
    let mut next = random(31);
    let input: Vec<u32> = (0..64).map(|n| if n < 16 { n } else { next() >> 12 }).collect();
    let found = t.compute(cs, &input, 64)?;
    t.expect_words(&found, &input.iter().map(|number| expected(*number)).collect::<Vec<_>>());
    Ok(())
}

/// How many steps of the Collatz sequence there are to 1, at most 100.
fn collatz(mut a: u32) -> u32 {
    let mut steps = 0;
    while a > 1 && steps < 100 {
        a = if a % 2 == 1 { a.wrapping_mul(3).wrapping_add(1) } else { a / 2 };
        steps += 1;
    }
    steps
}

fn switch_in_loop(a: u32) -> u32 {
    let mut result: u32 = 0;
    for n in 0..12 {
        match (a + n) % 4 {
            0 => result += 1,
            1 => result *= 3,
            2 if result > 500 => result = result - 400 + a % 10,
            2 => result += a % 10,
            _ => result ^= 0x15,
        }
        result += 2;
    }
    result
}

fn discarded(t: &mut Test<'_>) -> Result<()> {
    let found = t.full(&Pass { ps: shader!("flow.discarded"), ..Pass::default() })?;
    t.expect(&found, |x, y| white_if((1..5).all(|n| (x + y) % (n * 7) != 3)));
    Ok(())
}

fn clipped(t: &mut Test<'_>) -> Result<()> {
    let found = t.full(&Pass { ps: shader!("flow.clipped"), ..Pass::default() })?;
    t.expect(&found, |x, y| white_if((16..48).contains(&x) && y < 32));
    Ok(())
}

fn expect_slopes(t: &mut Test<'_>, ps: Code, expected: impl Fn(u32, u32) -> [f32; 4]) -> Result<()> {
    let found = t.full(&Pass { ps, ..Pass::default() })?;
    t.expect(&found, expected);
    Ok(())
}

fn derivatives(t: &mut Test<'_>) -> Result<()> {
    expect_slopes(t, shader!("flow.derivatives"), |_, _| [0.125, 0.25, 0.375, 1.0])
}

fn fine_derivatives(t: &mut Test<'_>) -> Result<()> {
    expect_slopes(t, shader!("flow.fine_derivatives"), |x, y| {
        [if y % 2 == 1 { 0.75 } else { 0.25 }, if x % 2 == 1 { 0.625 } else { 0.125 }, 0.0, 1.0]
    })
}

fn coarse_derivatives(t: &mut Test<'_>) -> Result<()> {
    expect_slopes(t, shader!("flow.coarse_derivatives"), |_, _| [0.5, 0.25, 0.0, 1.0])
}

fn derivative_in_branch(t: &mut Test<'_>) -> Result<()> {
    expect_slopes(t, shader!("flow.derivative_in_branch"), |x, _| {
        if x < 32 { [0.5, 0.0, 0.0, 1.0] } else { [0.0, 0.5, 0.0, 1.0] }
    })
}
