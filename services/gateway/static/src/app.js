import "bootstrap/js/dist/collapse";
import "bootstrap/js/dist/dropdown";
import "./htmx.js";
import "./live.js";
import "./autosave.js";
import "./list.js"; // sets the question that confirm.js asks
import "./confirm.js";
import "./copy.js";
import "./drafts.js";
import "./keys.js";
import "./recovery.js";
import "./submit_once.js";
