'use strict';

// Builds build/trailwire.zip (infra/package.py) before the framework packages or deploys, so that a bare
// `serverless deploy` ships what `make package` checks.
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

class BuildZip {
  constructor(serverless) {
    const build = () => {
      const python = path.join(serverless.serviceDir, '.venv', 'bin', 'python');
      if (!fs.existsSync(python)) {
        throw new serverless.classes.Error('There is no .venv yet: run `make install` first.');
      }
      const run = spawnSync(python, ['-m', 'infra.package'], { cwd: serverless.serviceDir, stdio: ['ignore', 2, 2] });
      if (run.status !== 0) {
        throw new serverless.classes.Error('The package for Lambda could not be built; the reason is above.');
      }
    };
    this.hooks = { 'before:package:initialize': build, 'before:package:function:package': build };
  }
}

module.exports = BuildZip;
