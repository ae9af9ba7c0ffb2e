# Installs sevalla-deploy @TAG@ for one user of Windows, and takes the download
# only if its hash is the one below. Needs no administrator.
#
#   .\install.ps1 [FOLDER]      FOLDER defaults to %LOCALAPPDATA%\Programs\sevalla-deploy
#
# A release has this script with its own hash; .ci/release/packages fills it in.

# In a block, so that `irm | iex` leaves nothing in the session, and a script that
# arrived in part does nothing.
& {
  param([string] $Folder = (Join-Path $env:LOCALAPPDATA 'Programs\sevalla-deploy'))
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

  $from = '@URL@'
  $file = 'sevalla-deploy-@TAG@-x86_64-pc-windows-msvc.zip'
  $hash = '@HASH x86_64-pc-windows-msvc@'

  # The proxy for an address, by the rules of curl: NO_PROXY has names, also of what
  # is above them, with or without a dot or a port, or `*`.
  function Get-Proxy([Uri] $Address) {
    foreach ($name in "$env:NO_PROXY" -split '[,\s]+') {
      $name = $name -replace '^\.' -replace ':\d+$'
      $is_of_it = ".$($Address.Host)".EndsWith(".$name", [StringComparison]::OrdinalIgnoreCase)
      if ($name -and ($is_of_it -or $name -eq '*')) { return }
    }
    if ($Address.Scheme -eq 'http') { $env:HTTP_PROXY } else { $env:HTTPS_PROXY }
  }

  if ($from -like '@*') { throw 'This copy belongs to no release: download the one of a release' }
  if ($env:SEVALLA_DEPLOY_FROM) { $from = $env:SEVALLA_DEPLOY_FROM }

  $protocols = [Net.ServicePointManager]::SecurityProtocol
  $scratch = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))).FullName
  try {
    # Windows PowerShell starts with older versions of TLS, and knows no proxy variables.
    [Net.ServicePointManager]::SecurityProtocol = $protocols -bor [Net.SecurityProtocolType]::Tls12
    $archive = Join-Path $scratch $file
    $request = @{ Uri = "$from/$file"; OutFile = $archive; UseBasicParsing = $true; TimeoutSec = 120 }
    $proxy = Get-Proxy $request.Uri
    if ($proxy) { $request.Proxy = $proxy }
    Invoke-WebRequest @request
    if ((Get-FileHash -LiteralPath $archive -Algorithm SHA256).Hash -ne $hash) {
      throw "$from/$file is not the file that was released: its hash is different. Nothing was installed"
    }
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    [IO.Compression.ZipFile]::ExtractToDirectory($archive, $scratch)
    $null = New-Item -ItemType Directory -Force $Folder
    $program = Join-Path $Folder 'sevalla-deploy.exe'
    Move-Item -LiteralPath (Join-Path $scratch 'sevalla-deploy.exe') $program -Force
  } finally {
    [Net.ServicePointManager]::SecurityProtocol = $protocols
    Remove-Item -LiteralPath $scratch -Recurse -Force
  }
  Write-Output "Installed $(& $program --version) as $program"
  if (($env:PATH -split ';') -notcontains $Folder) { Write-Output "Add $Folder to PATH to run it by its name" }
} @args
