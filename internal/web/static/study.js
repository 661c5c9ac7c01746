// A study: a series without a picture shows its modality instead.
"use strict";
for (const picture of document.querySelectorAll(".picture img")) {
	const gone = () => picture.remove();
	if (picture.complete && !picture.naturalWidth && picture.loading !== "lazy") gone();
	picture.addEventListener("error", gone);
	picture.addEventListener("load", () => picture.classList.add("there"));
	if (picture.complete && picture.naturalWidth) picture.classList.add("there");
}
