// A saved run in the VM exits view: the file answers in the place of a session.
import './trace-source.ts';
import './exits.ts';
