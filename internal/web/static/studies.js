// The study list: searches as one types, hears of new studies, and uploads what
// is dropped. Without it the list works as plain pages.
"use strict";
(() => {
	const form = document.getElementById("search");
	const results = document.getElementById("results");
	const fresh = document.getElementById("fresh");
	const more = form.querySelector("details.more");
	const name = document.getElementById("name");

	// Filters are folded where there is little room and none is used.
	const narrow = matchMedia("(max-width: 58rem)");
	const fold = () => {
		const used = [...more.querySelectorAll("input, select")].some((f) => f.value);
		more.open = !narrow.matches || used;
	};
	narrow.addEventListener("change", fold);
	fold();

	const query = () => {
		const q = new URLSearchParams();
		for (const [key, value] of new FormData(form)) if (value.trim()) q.set(key, value.trim());
		return q;
	};

	let running = null;
	let shown = "";
	const fill = async (q) => {
		if (running) running.abort();
		running = new AbortController();
		const mine = running;
		results.setAttribute("aria-busy", "true");
		try {
			const answer = await fetch("/studies/list?" + q, { signal: mine.signal, headers: { Accept: "text/html" } });
			if (answer.status === 401) return location.reload();
			if (!answer.ok) return;
			results.innerHTML = await answer.text(); // of our own template, which escapes
			shown = q.toString();
		} catch (e) {
			if (e.name !== "AbortError") results.setAttribute("aria-busy", "false");
			return;
		}
		if (mine === running) results.setAttribute("aria-busy", "false");
	};
	const search = (remember) => {
		const q = query();
		if (remember) history.replaceState(null, "", q.size ? "/?" + q : "/");
		return fill(q);
	};

	// One letter finds too much to be of use.
	let timer = 0;
	form.addEventListener("input", (e) => {
		clearTimeout(timer);
		if (e.target.type === "search" && e.target.value.trim().length === 1) return;
		timer = setTimeout(() => search(true), 250);
	});
	form.addEventListener("submit", (e) => {
		e.preventDefault();
		clearTimeout(timer);
		search(true);
	});

	// Paging and dates without loading the page anew; links work by themselves too.
	results.addEventListener("click", (e) => {
		if (e.ctrlKey || e.metaKey || e.shiftKey || e.button) return;
		const link = e.target.closest(".pages a, .quick a");
		if (link) {
			e.preventDefault();
			const url = new URL(link.href);
			for (const f of form.elements) if (f.name) f.value = url.searchParams.get(f.name) || "";
			history.pushState(null, "", url);
			fill(url.searchParams).then(() => {
				if (link.matches(".pages a")) scrollTo({ top: 0 });
			});
			return;
		}
		const row = e.target.closest("tbody tr");
		if (row && !e.target.closest("a, button") && !String(getSelection())) row.querySelector("th a").click();
	});
	addEventListener("popstate", () => location.reload());

	// Up and down walk through the rows, a slash begins a search.
	document.addEventListener("keydown", (e) => {
		if (e.ctrlKey || e.metaKey || e.altKey) return;
		if (e.key === "/" && !e.target.closest("input, select, textarea")) {
			e.preventDefault();
			name.focus();
			name.select();
			return;
		}
		if (e.key !== "ArrowDown" && e.key !== "ArrowUp") return;
		const rows = [...results.querySelectorAll("tbody th a")];
		let at = rows.indexOf(document.activeElement);
		if (at < 0 && document.activeElement !== name) return;
		at += e.key === "ArrowDown" ? 1 : -1;
		if (at === -1) name.focus();
		else if (rows[at]) rows[at].focus();
		else return;
		e.preventDefault();
	});

	// New studies: shown at once where nobody is reading, offered otherwise.
	const first = () => !new URLSearchParams(location.search).has("offset");
	let last = 0;
	const refresh = async () => {
		last = Date.now();
		fresh.hidden = true;
		const before = new Set([...results.querySelectorAll("[data-study]")].map((r) => r.dataset.study));
		await fill(new URLSearchParams(location.search));
		for (const r of results.querySelectorAll("[data-study]")) if (before.size && !before.has(r.dataset.study)) r.classList.add("new");
	};
	fresh.addEventListener("click", refresh);
	const line = new EventSource("/studies/events");
	line.addEventListener("came", () => {
		const reading = results.contains(document.activeElement) || document.hidden || scrollY > 200 || Date.now() - last < 10000;
		if (!first() || reading) fresh.hidden = false;
		else refresh();
	});
	addEventListener("pagehide", () => line.close());

	const dialog = document.getElementById("drop");
	if (dialog) upload(dialog, refresh);
})();

// upload sends files to the archive by STOW-RS (PS3.18 section 10.5).
function upload(dialog, refresh) {
	const at = (id) => document.getElementById(id);
	const said = at("said"), bar = at("bar"), trouble = at("trouble"), stop = at("stop");
	const batchBytes = 32 << 20, batchFiles = 40, lines = 2;
	let jobs = null;

	const say = (key, values = {}) => {
		said.textContent = said.dataset[key].replace(/\{(\w+)\}/g, (_, k) => values[k]);
	};
	const size = (n) => {
		const units = ["B", "kB", "MB", "GB", "TB"];
		let i = 0;
		for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
		return n.toLocaleString(document.documentElement.lang, { maximumFractionDigits: n < 10 ? 1 : 0 }) + " " + units[i];
	};

	// A DICOM file has "DICM" after a preamble of 128 bytes (PS3.10 section 7.1).
	const isDICOM = async (file) => {
		if (file.size < 132 || file.name.toUpperCase() === "DICOMDIR") return false;
		try {
			return await file.slice(128, 132).text() === "DICM";
		} catch {
			return false;
		}
	};

	const walk = async function* (entry) {
		if (entry.isFile) {
			yield await new Promise((done, fail) => entry.file(done, fail));
			return;
		}
		const reader = entry.createReader();
		for (;;) {
			const some = await new Promise((done, fail) => reader.readEntries(done, fail));
			if (!some.length) return;
			for (const e of some) yield* walk(e);
		}
	};

	const batches = (files) => {
		const all = [];
		let now = [], bytes = 0;
		for (const f of files) {
			if (now.length && (bytes + f.size > batchBytes || now.length >= batchFiles)) {
				all.push(now);
				now = [];
				bytes = 0;
			}
			now.push(f);
			bytes += f.size;
		}
		if (now.length) all.push(now);
		return all;
	};

	const values = (set, tag) => (set[tag] && set[tag].Value) || [];

	// send stores one batch; the browser reads the files while it sends.
	const send = (job, files) => new Promise((done, fail) => {
		const boundary = "tresor-" + crypto.randomUUID();
		const parts = [];
		for (const f of files) parts.push("--" + boundary + "\r\nContent-Type: application/dicom\r\n\r\n", f, "\r\n");
		parts.push("--" + boundary + "--\r\n");
		const body = new Blob(parts);
		const request = new XMLHttpRequest();
		request.open("POST", "/dicom-web/studies");
		request.setRequestHeader("Content-Type", 'multipart/related; type="application/dicom"; boundary=' + boundary);
		request.setRequestHeader("Accept", "application/dicom+json");
		let before = 0;
		request.upload.onprogress = (e) => {
			job.sent += e.loaded - before;
			before = e.loaded;
			job.show();
		};
		request.onload = () => {
			job.open.delete(request);
			job.sent += body.size - before;
			let answer = {};
			try {
				answer = JSON.parse(request.responseText);
			} catch {
				// What is no JSON is no list of instances: the status decides.
			}
			if (Array.isArray(answer)) answer = answer[0] || {};
			const stored = values(answer, "00081199").length, failed = values(answer, "00081198");
			if (request.status >= 400 && !stored && !failed.length) return fail(request.status);
			job.stored += stored;
			job.refused += files.length - stored;
			for (const f of failed) job.failures.push(values(f, "00081155")[0] + " (" + values(f, "00081197")[0] + ")");
			job.done += files.length;
			job.show();
			done();
		};
		request.onerror = request.onabort = () => {
			job.open.delete(request);
			fail(0);
		};
		job.open.add(request);
		request.send(body);
	});

	const run = async (source) => {
		if (jobs) return;
		const job = jobs = { sent: 0, total: 0, all: 0, done: 0, stored: 0, refused: 0, skipped: 0, failures: [], open: new Set(), stopped: false };
		at("zone").hidden = true;
		at("progress").hidden = false;
		trouble.hidden = true;
		bar.removeAttribute("value");
		stop.textContent = stop.dataset.stop;
		say("scan");
		const files = [];
		for await (const f of source) {
			if (job.stopped) break;
			if (await isDICOM(f)) files.push(f);
			else job.skipped++;
		}
		job.all = files.length;
		job.total = files.reduce((n, f) => n + f.size, 0);
		job.show = () => {
			bar.value = job.total ? Math.min(job.sent / job.total, 1) : 1;
			say("running", { done: job.done, all: job.all, size: size(Math.max(job.total - job.sent, 0)) });
		};
		const queue = batches(files);
		let broken = false;
		const worker = async () => {
			while (queue.length && !job.stopped && !broken) {
				try {
					await send(job, queue.shift());
				} catch (status) {
					broken = true;
					if (status === 401) location.reload();
				}
			}
		};
		if (files.length) job.show();
		await Promise.all(Array.from({ length: lines }, worker));
		bar.value = 1;
		if (broken && !job.stopped) say("lost");
		else if (!files.length) say("nothing");
		else say("done", job);
		const list = trouble.querySelector("ul");
		list.replaceChildren(...job.failures.slice(0, 100).map((f) => {
			const item = document.createElement("li");
			item.textContent = f;
			return item;
		}));
		trouble.querySelector("summary").textContent = trouble.querySelector("summary").dataset.text;
		trouble.hidden = !job.failures.length;
		at("zone").hidden = false;
		stop.textContent = stop.dataset.close;
		jobs = null;
		refresh();
	};

	const open = () => {
		if (!dialog.open) dialog.showModal();
	};
	const button = at("upload");
	button.hidden = false;
	button.addEventListener("click", open);
	stop.addEventListener("click", () => {
		if (!jobs) return dialog.close();
		jobs.stopped = true;
		for (const r of jobs.open) r.abort();
	});
	dialog.addEventListener("cancel", (e) => {
		if (jobs) e.preventDefault();
	});
	for (const [press, input] of [["pick", "files"], ["pickdir", "folder"]]) {
		at(press).addEventListener("click", () => at(input).click());
		at(input).addEventListener("change", (e) => {
			const files = [...e.target.files];
			e.target.value = "";
			run(files);
		});
	}

	let depth = 0;
	const hover = (on) => at("zone").classList.toggle("over", on);
	document.addEventListener("dragenter", (e) => {
		if (![...e.dataTransfer.types].includes("Files")) return;
		depth++;
		open();
		hover(true);
	});
	document.addEventListener("dragleave", () => hover(--depth > 0));
	document.addEventListener("dragover", (e) => e.preventDefault());
	document.addEventListener("drop", (e) => {
		e.preventDefault();
		depth = 0;
		hover(false);
		const entries = [...e.dataTransfer.items].map((i) => i.webkitGetAsEntry && i.webkitGetAsEntry()).filter(Boolean);
		if (!entries.length) return;
		open();
		run((async function* () {
			for (const entry of entries) yield* walk(entry);
		})());
	});
	addEventListener("beforeunload", (e) => {
		if (jobs) e.preventDefault();
	});
}
