"""Fills a directory with what a static web server needs to be a registry for npm, pip, apt and git.

usage: depot.py DIRECTORY ORIGIN     ORIGIN: where it will be reached, such as https://depot.test"""
import base64, hashlib, io, json, os, subprocess, sys, tarfile, zipfile

root, origin = sys.argv[1:3]
NPM_PACKAGES = 40
os.umask(0o022)


def write(path, data):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file: file.write(data if isinstance(data, bytes) else data.encode())
    return path


def npm(name, dependencies=()):
    manifest = {'name': name, 'version': '1.0.0', 'main': 'index.js', 'dependencies': {other: '1.0.0' for other in dependencies}}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode='w:gz') as archive:
        for file, data in (('package.json', json.dumps(manifest).encode()), ('index.js', b'module.exports = 1;\n'), ('filling', os.urandom(60_000))):
            entry = tarfile.TarInfo('package/' + file)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    packed = packed.getvalue()
    write(f'slow/npm/{name}.tgz', packed)
    manifest['dist'] = {'tarball': f'{origin}/slow/npm/{name}.tgz', 'integrity': 'sha512-' + base64.b64encode(hashlib.sha512(packed).digest()).decode()}
    write(f'npm/{name}', json.dumps({'name': name, 'dist-tags': {'latest': '1.0.0'}, 'versions': {'1.0.0': manifest}}))


def wheel(name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr(f'{name}.py', 'value = 1\n')
        about = f'{name}-1.0.dist-info/'
        archive.writestr(about + 'METADATA', f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n')
        archive.writestr(about + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: depot\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        archive.writestr(about + 'RECORD', f'{name}.py,,\n{about}METADATA,,\n{about}WHEEL,,\n{about}RECORD,,\n')
    file = f'{name}-1.0-py3-none-any.whl'
    write(f'pip/{name}/{file}', packed.getvalue())
    write(f'pip/{name}/index.html', f'<a href="{file}">{file}</a>\n')


def deb(name):
    control = f'Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: depot <depot@localhost>\nDescription: depot\n'
    write(f'build/{name}/DEBIAN/control', control)
    os.makedirs(f'{root}/apt', exist_ok=True)
    subprocess.run(['dpkg-deb', '--root-owner-group', '-b', f'{root}/build/{name}', f'{root}/apt/{name}.deb'], check=True, stdout=subprocess.DEVNULL)
    data = open(f'{root}/apt/{name}.deb', 'rb').read()
    write('apt/Packages', f'{control}Filename: ./{name}.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n')


def repository():
    git = lambda *arguments: subprocess.run(['git', '-c', 'user.name=t', '-c', 'user.email=t@localhost', *arguments], check=True, stdout=subprocess.DEVNULL)
    work = f'{root}/build/tree'
    git('init', '-q', work)
    for number in range(120): write(f'build/tree/file{number}', os.urandom(3000))
    git('-C', work, 'add', '.')
    git('-C', work, 'commit', '-q', '-m', 'first')
    git('clone', '-q', '--bare', work, f'{root}/slow/repository.git')
    git('-C', f'{root}/slow/repository.git', 'update-server-info')


for number in range(NPM_PACKAGES): npm(f'part{number}', (f'part{number + 1}',) if number % 4 != 3 else ())
write('application/package.json', json.dumps({'name': 'application', 'version': '1.0.0', 'dependencies': {f'part{n}': '1.0.0' for n in range(0, NPM_PACKAGES, 4)}}))
wheel('depotwheel')
deb('depot-package')
repository()
write('bulk', bytes(4 << 20))
