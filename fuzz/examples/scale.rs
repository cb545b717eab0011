//! Prints time, memory and output for the greatest programs that are full of one thing, slowest first: `scale [DWORDS]`.

use pvgpu_dxbc_tests::allocation::{self, Counting};
use pvgpu_dxbc_tests::mutation::invariant::processor_time;
use pvgpu_dxbc_tests::mutation::scale;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let size = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(scale::TOKENS);
    let mut rows = Vec::new();
    for (name, case) in scale::cases(size) {
        let start = processor_time();
        let (result, memory) = allocation::peak(|| case.compile());
        let time = processor_time() - start;
        let result = match result {
            Ok(compiled) => format!("{} words", compiled.spirv.len()),
            Err(error) => error.to_string(),
        };
        rows.push((time, memory >> 20, name, result));
    }
    rows.sort();
    for (time, memory, name, result) in rows.iter().rev() {
        println!("{:8.1} ms {memory:4} MiB  {name}: {result}", time.as_secs_f64() * 1000.0);
    }
}
