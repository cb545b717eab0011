//! The link service that ships carries the driver's aperture over TCP, to hosts that come and go.

use std::sync::{Mutex, PoisonError};

use pvgpu_link::{Configured, Service, Stop};
use pvgpu_protocol::kernel_interface::{adapter_state, context_life, removal};

use super::root;
use crate::host::Manners;
use crate::link::{LinkHost, ServiceProcess};
use crate::rig::{Ended, Failure, Rig, SOON, Scenario, eventually, require};
use crate::user::UserContext;

pub(super) const ALL: &[Scenario] = &[
    Scenario { name: "the link service renders over tcp", options: root, run: renders },
    Scenario { name: "the link service outlives its hosts", options: root, run: outlives },
    Scenario { name: "the link service is refused", options: root, run: refused },
];

/// Runs the service while `with` runs, which gets the host that it connects to; gives what the service has said.
fn serving(rig: &Rig, manners: Manners, with: impl FnOnce(&LinkHost) -> Ended) -> Ended<Vec<String>> {
    rig.system.add_device()?;
    rig.system.start()?;
    let (host, driver) = (LinkHost::listen(manners), ServiceProcess::new(&rig.system));
    let said: Mutex<Vec<String>> = Mutex::default();
    let connect = Configured {
        option: Some(host.link()),
        registry: Box::new(|| None),
        keys: std::env::temp_dir(),
        trust_link: true,
    };
    let stop = Stop::new();
    let say = |event: &pvgpu_link::Event<'_>| {
        said.lock().unwrap_or_else(PoisonError::into_inner).push(event.to_string());
    };
    let (ended, served) = std::thread::scope(|scope| {
        let service = scope.spawn(|| {
            let options = pvgpu_link::Options::default();
            Service { driver: &driver, connect: &connect, stop: &stop, report: &say, options }.run()
        });
        let ended = with(&host);
        stop.request();
        (ended, service.join())
    });
    let said = said.into_inner().unwrap_or_else(PoisonError::into_inner);
    require(served.is_ok_and(|served| served.is_ok()), "the service does not end as it was asked to")?;
    ended.inspect_err(|_| println!("the service said {said:#?}"))?;
    require(driver.mappings() == 0, "the service has left the aperture mapped")?;
    require(rig.system.adapter_status()?.link_attached == 0, "the driver still has a service")?;
    Ok(said)
}

/// A context renders; each fence comes over the link.
fn work(rig: &Rig, frames: u64) -> Ended {
    let process = rig.system.process();
    let device = process.open_device()?;
    let mut context = UserContext::create(&process, &device)?;
    context.rings = true;
    for _ in 0..frames {
        context.draw();
        context.flush()?;
        context.wait(SOON)?;
    }
    require(device.wait_idle(&context.context, SOON), "a submission is not reported")?;
    eventually(|| u64::from(context.context.completed()) == frames, "they are reported as something else")?;
    Ok(context.destroy()?)
}

/// Contexts of several processes render over one link.
fn renders(rig: &Rig) -> Ended {
    let said = serving(rig, Manners::Honest, |host| {
        rig.wait_running()?;
        require(rig.system.adapter_status()?.link_attached == 1, "the driver has no service")?;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| work(rig, 40))).collect();
            for thread in threads {
                thread.join().map_err(|_| Failure::Wrong("a process panics"))??;
            }
            Ok::<(), Failure>(())
        })?;
        require(host.contexts() == 3, "the host has not seen three contexts")
    })?;
    let begins = ["attached to the driver", "the link tcp://127.0.0.1:", "ended"];
    let as_meant =
        said.len() == begins.len() && said.iter().zip(begins).all(|(text, begin)| text.starts_with(begin));
    require(as_meant, "the service has said something else")
}

/// Hosts are killed in the middle of work; each time the driver is told, and the next one serves.
fn outlives(rig: &Rig) -> Ended {
    let said = serving(rig, Manners::Honest, |hosts| {
        for _ in 0..3 {
            rig.wait_running()?;
            work(rig, 3)?;
            let process = rig.system.process();
            let device = process.open_device()?;
            let mut context = UserContext::create(&process, &device)?;
            context.rings = true;
            hosts.behave(Manners::Hangs);
            context.draw();
            context.flush()?;
            hosts.kill(Manners::Silent);
            rig.wait_state(adapter_state::REMOVED)?;
            eventually(
                || context.state().is_ok_and(|state| state.life != context_life::LIVE),
                "a context outlives its host",
            )?;
            eventually(|| context.context.faulted() == 1, "work of a host that is gone is done")?;
            process.kill();
            hosts.behave(Manners::Honest);
        }
        rig.wait_running()?;
        work(rig, 3)
    })?;
    let count = |begin: &str| said.iter().filter(|text| text.starts_with(begin)).count();
    require(count("the link tcp://") == 4, "the link was not up four times")?;
    require(count("the link is lost: ") == 3, "the link was not lost three times")
}

/// A host refuses, and the driver knows why; a later one serves.
fn refused(rig: &Rig) -> Ended {
    let said = serving(rig, Manners::Refuses, |hosts| {
        rig.wait_state(adapter_state::REMOVED)?;
        let status = rig.system.adapter_status()?;
        require(status.removal == removal::HOST_SAYS_GONE, "the driver does not know that it was refused")?;
        hosts.behave(Manners::Honest);
        rig.wait_running()?;
        work(rig, 3)
    })?;
    let told =
        said.iter().any(|text| text.starts_with("the host refused this guest: it serves as many guests"));
    require(told, "the service does not say why")
}
