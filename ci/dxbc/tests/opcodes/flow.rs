//! Control flow (specification 22.7): both tests of every conditional instruction, nesting, subroutines.

use crate::coverage::tests;
use crate::harness::execute_buffers;

tests! {
    branches: "if", "else", "endif";
    loops: "loop", "endloop", "break", "breakc", "continue", "continuec";
    switches: "switch", "case", "default", "endswitch", "break";
    returns: "ret", "retc";
    subroutines: "call", "callc", "label", "ret", "retc";
    idle: "nop", "abort", "debug_break";
}

/// Runs `body` for each number: it gets the number in r0.x and leaves an integer in r1.x. `functions` follow the end.
fn check(body: &str, functions: &str, numbers: std::ops::Range<i32>, expected: impl Fn(i32) -> i32) {
    let listing = format!(
        "cs_5_0
        dcl_globalFlags refactoringAllowed
        dcl_resource_raw t0
        dcl_uav_raw u0
        dcl_input vThreadID.x
        dcl_temps 6
        dcl_thread_group 32, 1, 1
        ishl r5.x, vThreadID.x, l(2)
        ld_raw r0.x, r5.x, t0.xxxx
        mov r1.x, l(-77)
        call label0
        ishl r5.x, vThreadID.x, l(2)
        store_raw u0.x, r5.x, r1.x
        ret
        label label0
        {body}
        ret
        {functions}"
    );
    let numbers: Vec<i32> = numbers.collect();
    let mut input: Vec<u32> = numbers.iter().map(|n| *n as u32).collect();
    input.resize(input.len().next_multiple_of(32), 0);
    let groups = input.len() as u32 / 32;
    let mut buffers = [input.clone(), vec![0; input.len()]];
    execute_buffers(&listing, &mut buffers, groups);
    let found: Vec<i32> = buffers[1].iter().take(numbers.len()).map(|n| *n as i32).collect();
    let wanted: Vec<i32> = numbers.iter().map(|n| expected(*n)).collect();
    assert_eq!(found, wanted, "{body}");
}

fn branches() {
    check("if_nz r0.x\n mov r1.x, l(1)\n endif", "", -3..4, |n| if n != 0 { 1 } else { -77 });
    check("if_z r0.x\n mov r1.x, l(1)\n endif", "", -3..4, |n| if n == 0 { 1 } else { -77 });
    check("if_nz r0.x\n mov r1.x, l(1)\n else\n mov r1.x, l(2)\n endif", "", -3..4, |n| {
        if n != 0 { 1 } else { 2 }
    });
    check("if_z r0.x\n mov r1.x, l(1)\n else\n mov r1.x, l(2)\n endif", "", -3..4, |n| {
        if n == 0 { 1 } else { 2 }
    });
    // A negative zero and a denormal are not zero: the test is of bits.
    check("if_nz l(0x80000000)\n mov r1.x, l(1)\n endif", "", 0..1, |_| 1);
    check("if_nz l(1)\n mov r1.x, l(1)\n endif", "", 0..1, |_| 1);
    // Nested, with an empty branch.
    check(
        "ilt r2.x, r0.x, l(0)
        if_nz r2.x
            and r2.x, r0.x, l(1)
            if_z r2.x
            else
                mov r1.x, l(3)
            endif
        else
            and r2.x, r0.x, l(2)
            if_nz r2.x
                mov r1.x, l(4)
            else
                mov r1.x, l(5)
            endif
        endif",
        "",
        -6..8,
        |n| match (n < 0, n & 1, n & 2) {
            (true, 0, _) => -77,
            (true, ..) => 3,
            (false, _, 0) => 5,
            _ => 4,
        },
    );
}

fn loops() {
    // Each way of leaving and of going on, with both tests.
    check(
        "mov r1.x, l(0)
        mov r2.x, l(0)
        loop
            ige r3.x, r2.x, r0.x
            breakc_nz r3.x
            iadd r2.x, r2.x, l(1)
            and r3.x, r2.x, l(1)
            continuec_z r3.x
            ieq r3.x, r2.x, l(5)
            continuec_nz r3.x
            iadd r1.x, r1.x, r2.x
        endloop",
        "",
        -2..20,
        |n| (1..=n).filter(|k| k % 2 == 1 && *k != 5).sum(),
    );
    check(
        "mov r1.x, l(0)
        mov r2.x, l(0)
        loop
            ilt r3.x, r2.x, r0.x
            breakc_z r3.x
            iadd r2.x, r2.x, l(1)
            ieq r3.x, r2.x, l(3)
            if_nz r3.x
                continue
            endif
            iadd r1.x, r1.x, r2.x
            ige r3.x, r1.x, l(30)
            if_nz r3.x
                break
            endif
        endloop",
        "",
        -2..20,
        |n| {
            let mut sum = 0;
            for k in (1..=n).filter(|k| *k != 3) {
                sum += k;
                if sum >= 30 {
                    break;
                }
            }
            sum
        },
    );
    // A loop in a loop: the inner `break` leaves the inner one only.
    check(
        "mov r1.x, l(0)
        mov r2.x, l(0)
        loop
            ige r3.x, r2.x, r0.x
            breakc_nz r3.x
            mov r2.y, l(0)
            loop
                ult r3.x, r2.x, r2.y
                breakc_nz r3.x
                iadd r1.x, r1.x, l(1)
                iadd r2.y, r2.y, l(1)
            endloop
            iadd r2.x, r2.x, l(1)
        endloop",
        "",
        0..12,
        |n| (0..n).map(|k| k + 1).sum(),
    );
    // A `break` ends the only pass; what follows it cannot be reached.
    check("loop\n mov r1.x, l(6)\n break\n mov r1.x, l(7)\n endloop", "", 0..2, |_| 6);
    // A `continue` inside a switch goes on with the loop around it.
    check(
        "mov r1.x, l(0)
        mov r2.x, l(0)
        loop
            ige r3.x, r2.x, r0.x
            breakc_nz r3.x
            iadd r2.x, r2.x, l(1)
            and r3.x, r2.x, l(3)
            switch r3.x
            case l(1)
                continue
            case l(2)
                iadd r1.x, r1.x, l(10)
                break
            default
                iadd r1.x, r1.x, l(100)
                break
            endswitch
            iadd r1.x, r1.x, l(1)
        endloop",
        "",
        0..10,
        |n| {
            (1..=n)
                .map(|k| match k & 3 {
                    1 => 0,
                    2 => 11,
                    _ => 101,
                })
                .sum()
        },
    );
}

fn switches() {
    check(
        "switch r0.x
        case l(0)
            mov r1.x, l(10)
            break
        case l(1)
        case l(2)
            mov r1.x, l(20)
            ieq r2.x, r0.x, l(2)
            breakc_nz r2.x
            mov r1.x, l(21)
            break
        case l(-1)
            mov r1.x, l(30)
            break
        default
            mov r1.x, l(40)
            break
        case l(7)
            mov r1.x, l(50)
            break
        endswitch",
        "",
        -3..10,
        |n| match n {
            0 => 10,
            1 => 21,
            2 => 20,
            -1 => 30,
            7 => 50,
            _ => 40,
        },
    );
    // Without a default; a default that shares its code with a case; a switch in a switch.
    check("switch r0.x\n case l(3)\n mov r1.x, l(1)\n break\n endswitch", "", 0..6, |n| {
        if n == 3 { 1 } else { -77 }
    });
    check(
        "and r2.x, r0.x, l(3)
        switch r2.x
        case l(1)
        default
            ushr r2.y, r0.x, l(2)
            switch r2.y
            case l(0)
                mov r1.x, l(5)
                break
            case l(1)
                mov r1.x, l(6)
                break
            endswitch
            break
        case l(2)
            mov r1.x, l(7)
            break
        endswitch",
        "",
        0..16,
        |n| match (n & 3, n >> 2) {
            (2, _) => 7,
            (_, 0) => 5,
            (_, 1) => 6,
            _ => -77,
        },
    );
}

fn returns() {
    check("retc_nz r0.x\n mov r1.x, l(1)", "", -2..3, |n| if n != 0 { -77 } else { 1 });
    check("retc_z r0.x\n mov r1.x, l(1)", "", -2..3, |n| if n == 0 { -77 } else { 1 });
    // Out of a loop, a switch and a branch at once.
    check(
        "mov r2.x, l(0)
        loop
            iadd r2.x, r2.x, l(1)
            switch r2.x
            case l(4)
                if_nz r0.x
                    mov r1.x, r2.x
                    ret
                endif
                break
            case l(9)
                mov r1.x, r2.x
                retc_nz r2.x
                break
            endswitch
        endloop",
        "",
        0..2,
        |n| if n != 0 { 4 } else { 9 },
    );
}

fn subroutines() {
    // Two levels, called twice; early returns leave the subroutine only.
    let functions = "label label1
        iadd r1.x, r1.x, l(1)
        ilt r3.x, r0.x, l(0)
        retc_nz r3.x
        iadd r1.x, r1.x, l(10)
        callc_nz r0.x, label2
        retc_z r0.x
        iadd r1.x, r1.x, l(1000)
        ret
        label label2
        iadd r1.x, r1.x, l(100)
        ret";
    check("mov r1.x, l(0)\n call label1", functions, -2..3, |n| match n {
        ..0 => 1,
        0 => 11,
        _ => 1111,
    });
    check("mov r1.x, l(0)\n call label1\n call label1", functions, -2..3, |n| match n {
        ..0 => 2,
        0 => 22,
        _ => 2222,
    });
    check("mov r1.x, l(0)\n callc_z r0.x, label1\n callc_nz r0.x, label2", functions, -2..3, |n| {
        if n == 0 { 11 } else { 100 }
    });
    // In a loop.
    check(
        "mov r1.x, l(0)\n mov r2.x, l(0)\n loop\n ige r3.y, r2.x, l(3)\n breakc_nz r3.y\n call label2
        iadd r2.x, r2.x, l(1)\n endloop",
        functions,
        0..2,
        |_| 300,
    );
}

/// `abort` and `debug_break` mean something to the debug layer only.
fn idle() {
    check("abort\n debug_break\n mov r1.x, r0.x", "", -2..3, |n| n);
    check("nop\n mov r1.x, r0.x\n nop", "", -2..3, |n| n);
}
