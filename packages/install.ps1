# Installs sevalla-deploy @TAG@ for one user of Windows, and takes the download
# only if its hash is the one below. Needs no administrator.
#
#   .\install.ps1 [FOLDER]      FOLDER defaults to %LOCALAPPDATA%\Programs\sevalla-deploy
#
# A release has this script with its own hash; .ci/release/packages fills it in.
param([string] $Folder = (Join-Path $env:LOCALAPPDATA 'Programs\sevalla-deploy'))
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

$from = '@URL@'
$file = 'sevalla-deploy-@TAG@-x86_64-pc-windows-msvc.zip'
$hash = '@HASH x86_64-pc-windows-msvc@'

if ($from -like '@*') { throw 'This copy belongs to no release: download the one of a release' }
if ($env:SEVALLA_DEPLOY_FROM) { $from = $env:SEVALLA_DEPLOY_FROM }
# Windows PowerShell starts with older versions of TLS.
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

$scratch = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))).FullName
try {
  $archive = Join-Path $scratch $file
  Invoke-WebRequest -Uri "$from/$file" -OutFile $archive -UseBasicParsing -TimeoutSec 120
  if ((Get-FileHash -LiteralPath $archive -Algorithm SHA256).Hash -ne $hash) {
    throw "$from/$file is not the file that was released: its hash is different. Nothing was installed"
  }
  Add-Type -AssemblyName System.IO.Compression.FileSystem
  [IO.Compression.ZipFile]::ExtractToDirectory($archive, $scratch)
  $null = New-Item -ItemType Directory -Force $Folder
  $program = Join-Path $Folder 'sevalla-deploy.exe'
  Move-Item -LiteralPath (Join-Path $scratch 'sevalla-deploy.exe') $program -Force
} finally { Remove-Item -LiteralPath $scratch -Recurse -Force }
Write-Output "Installed $(& $program --version) as $program"
if (($env:PATH -split ';') -notcontains $Folder) { Write-Output "Add $Folder to PATH to run it by its name" }
